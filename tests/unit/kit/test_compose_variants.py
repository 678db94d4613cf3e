import json
from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.kit import compose_model, compose_variants
from pipeline.kit.notes import Note
from pipeline.kit.sharing import NOTHING, Sharing
from pipeline.ports.engine import Health

IMAGES = {"web": "sha256:w", "db": "sha256:d"}


def model(web: Mapping[str, Any] | None = None, db: Mapping[str, Any] | None = None,
          **top: Any) -> dict[str, Any]:  # fmt: skip
    return {
        "name": "shop",
        "services": {"web": {"image": "x", **(web or {})}, "db": {"image": "pg:16", **(db or {})}},
        "networks": {"default": {"name": "shop_default", "ipam": {}}},
        **top,
    }  # fmt: skip


def mark(service: str) -> dict[str, str]:
    return {"dockcycle.project": "shop", "dockcycle.service": service, "dockcycle.run": "r"}


def candidate(
    given: Mapping[str, Any], sharing: Sharing = NOTHING, exposed: Mapping[str, Any] | None = None
) -> tuple[Any, tuple[Note, ...]]:
    return compose_variants.as_candidate(
        given, project="shop-candidate-1", images=IMAGES, labels=mark, exposed=exposed or {},
        sharing=sharing, file="/srv/compose.yaml",
    )  # fmt: skip


def base(given: Mapping[str, Any], secrets: tuple[str, ...] = (), **healths: Health) -> Any:
    return compose_variants.base(given, secrets=secrets, healths=healths, start_interval=True)


# the record's base


def test_a_base_has_no_trace_of_building() -> None:
    given = model({"build": {"context": "/x"}, "profiles": ["p"], "develop": {"watch": []}})
    made = base({**given, "x-more": {}})
    assert made["services"]["web"] == {"image": "x"}
    assert set(made) == {"name", "services", "networks"}


def test_a_compose_secret_of_the_pipeline_travels_as_a_reference() -> None:
    given = model(
        {"secrets": [{"source": "tok", "target": "/run/secrets/tok"}, {"source": "file"}]},
        secrets={"tok": {"environment": "TOKEN"}, "file": {"file": "/srv/f"}},
    )
    made = base(given, secrets=("TOKEN",))
    assert made["services"]["web"]["configs"] == [{"source": "tok", "target": "/run/secrets/tok"}]
    assert made["services"]["web"]["secrets"] == [{"source": "file"}]
    assert made["configs"] == {"tok": {"content": "{secret:TOKEN}"}}
    assert made["secrets"] == {"file": {"file": "/srv/f"}}
    assert base(given)["secrets"] == given["secrets"]


def test_slow_health_checks_are_asked_early() -> None:
    given = model({"healthcheck": {"test": ["CMD", "x"], "interval": "1m30s"}})
    made = base(given, db=Health(test=("CMD", "pg"), interval=30))
    assert made["services"]["web"]["healthcheck"] == {
        "test": ["CMD", "x"], "interval": "1m30s", "start_period": "90s", "start_interval": "0.25s",
    }  # fmt: skip
    assert made["services"]["db"]["healthcheck"] == {
        "start_period": "30s",
        "start_interval": "0.25s",
    }
    off = model({"healthcheck": {"disable": True}})
    assert base(off, web=Health(test=("CMD", "x")))["services"]["web"] == off["services"]["web"]


# the candidate


def test_a_candidate_has_its_own_ports_names_images_and_labels() -> None:
    given = model({
        "container_name": "the-web", "labels": {"traefik.enable": "true"}, "restart": "always",
        "ports": [{"target": 80, "published": "8080", "protocol": "tcp"},
                  {"target": 53, "published": "53", "protocol": "udp"}],
        "networks": {"default": {"aliases": ["w"], "ipv4_address": "10.0.0.9"}},
    })  # fmt: skip
    made, notes = candidate(given, exposed={"web": (80, 9000), "db": (5432,)})
    web = made["services"]["web"]
    assert made["name"] == "shop-candidate-1"
    assert (web["image"], web["pull_policy"]) == ("sha256:w", "never")
    assert web["labels"] == mark("web")
    assert "container_name" not in web
    assert web["networks"] == {"default": {"aliases": ["w", "the-web"]}}
    assert [(p["target"], p["protocol"], p["host_ip"], "published" in p) for p in web["ports"]] == [
        (80, "tcp", "127.0.0.1", False),
        (53, "udp", "127.0.0.1", False),
        (9000, "tcp", "127.0.0.1", False),
    ]
    assert made["services"]["db"]["ports"][0]["target"] == 5432
    assert web["restart"] == "on-failure:5"
    assert made["services"]["db"]["restart"] == "no"
    assert made["networks"] == {"default": {"labels": mark("")}}
    (note,) = notes
    assert "ipv4_address on default is left out" in note.message


def test_a_lone_service_is_not_given_second_chances() -> None:
    lone = {"services": {"web": {"image": "x", "restart": "always"}}}
    assert candidate(lone)[0]["services"]["web"]["restart"] == "no"


def test_named_volumes_are_fresh_and_folders_read_only() -> None:
    given = model(
        {"volumes": [
            {"type": "volume", "source": "data", "target": "/data"},
            {"type": "bind", "source": "/srv/conf", "target": "/conf"},
            {"type": "bind", "source": "/srv/ro", "target": "/ro", "read_only": True},
            {"type": "bind", "source": "/srv/db", "target": "/db", "bind": {}},
            {"type": "bind", "source": "/srv/up", "target": "/up"},
            {"type": "volume", "source": "ext", "target": "/ext"},
            {"type": "volume", "source": "nfs", "target": "/nfs"},
            {"type": "volume", "target": "/anonymous"},
            {"type": "tmpfs", "target": "/t"},
        ]},
        volumes={
            "data": {"name": "fixed"}, "ext": {"name": "theirs", "external": True},
            "nfs": {"name": "shop_nfs", "driver_opts": {"type": "nfs", "device": ":/export"}},
        },
    )  # fmt: skip
    made, notes = candidate(given, Sharing(fresh=("/db",), share=("/up",)))
    mounts = {mount["target"]: mount for mount in made["services"]["web"]["volumes"]}
    read_only = {target for target, mount in mounts.items() if mount.get("read_only")}
    assert read_only == {"/conf", "/ro", "/ext", "/nfs"}
    assert mounts["/db"] == {"target": "/db", "type": "volume", "source": "fresh-0"}
    assert made["volumes"] == {
        "data": {"labels": mark("")},
        "ext": {"name": "theirs", "external": True},
        "nfs": {"driver_opts": {"type": "nfs", "device": ":/export"}, "labels": mark("")},
        "fresh-0": {"labels": mark("")},
    }
    told = [note.message.split(" is the live")[0] for note in notes]
    assert told == ["/srv/conf", "theirs", ":/export"]


def test_an_external_network_is_joined_only_when_asked_for() -> None:
    given = model(
        {"container_name": "w", "networks": {"proxy": None, "inner": None}},
        networks={
            "proxy": {"name": "edge", "external": True},
            "inner": {"name": "shop_inner", "internal": True, "driver": "macvlan",
                      "driver_opts": {"parent": "eth0", "com.docker.network.driver.mtu": "1400"},
                      "ipam": {"config": [{"subnet": "10.9.0.0/24"}]}},
        },
    )  # fmt: skip
    made, notes = candidate(given)
    assert made["networks"]["proxy"] == {"labels": mark("")}
    assert made["networks"]["inner"] == {
        "labels": mark(""), "internal": True,
        "driver_opts": {"com.docker.network.driver.mtu": "1400"},
    }  # fmt: skip
    (note,) = notes
    assert "a private network in the place of edge" in note.message
    joined, notes = candidate(given, Sharing(share=("proxy",)))
    assert joined["networks"]["proxy"] == {"name": "edge", "external": True}
    assert joined["services"]["web"]["networks"] == {"proxy": None, "inner": {"aliases": ["w"]}}
    assert notes == ()


def test_everything_that_cannot_be_doubled_is_refused_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        candidate(model({"network_mode": "host"}, {"network_mode": "container:other"}))
    first, second = caught.value.problems
    assert str(first.where) == "/srv/compose.yaml (services.web.network_mode)"
    assert "container:other" in second.message


def test_a_service_in_anothers_network_publishes_nothing() -> None:
    made, _ = candidate(model({"network_mode": "service:db"}), exposed={"web": (80,)})
    assert "ports" not in made["services"]["web"]


def test_volumes_of_foreign_containers_are_read_only() -> None:
    given = model({"volumes_from": ["db", "container:a", "container:b:rw", "container:c:ro"]})
    made, notes = candidate(given)
    assert made["services"]["web"]["volumes_from"] == [
        "db", "container:a:ro", "container:b:ro", "container:c:ro",
    ]  # fmt: skip
    assert len(notes) == 2


# the live one


def test_the_live_project_is_the_users_own() -> None:
    given = model(
        {"labels": {"mine": "a$$b"}, "container_name": "the-web", "ports": [{"target": 80}]},
        {"restart": "always"},
        networks={"default": {"name": "shop_default"}, "edge": {"name": "e", "external": True}},
        volumes={"data": {"name": "shop_data"}},
    )
    live = compose_variants.as_live(
        given, project="shop", images=IMAGES, labels=mark, restart="unless-stopped"
    )
    web = live["services"]["web"]
    assert web["labels"] == {"mine": "a$$b", **mark("web")}
    assert (web["container_name"], web["ports"]) == ("the-web", [{"target": 80}])
    assert (web["image"], web["restart"]) == ("sha256:w", "unless-stopped")
    assert live["services"]["db"]["restart"] == "always"
    # The same for every run: Compose would make the network anew for labels that change.
    assert live["networks"]["default"]["labels"] == {"dockcycle.project": "shop"}
    assert live["networks"]["edge"] == {"name": "e", "external": True}
    assert live["volumes"] == given["volumes"]


def test_one_shots_are_not_restarted() -> None:
    live = compose_variants.as_live(
        model(), project="shop", images=IMAGES, labels=mark, restart="always", one_shots={"db"}
    )
    assert live["services"]["web"]["restart"] == "always"
    assert "restart" not in live["services"]["db"]


def test_what_has_been_seen_to_go_on_is_no_one_shot() -> None:
    given = model()
    assert "db" in compose_model.one_shots(given)
    known = compose_variants.lasting(given, {"db"}, "unless-stopped")
    assert known["services"]["db"]["restart"] == "unless-stopped"
    assert compose_model.one_shots(known) == compose_model.one_shots(given) - {"db"}
    assert known["services"]["web"] == given["services"]["web"]
    own = model({"restart": "always"})
    assert compose_variants.lasting(own, {"web"}, "unless-stopped")["services"] == own["services"]


# secrets


def test_secret_values_are_escaped_for_compose() -> None:
    given = model({"environment": {"URL": "pg://{secret:PG}@db", "OTHER": "a$$b"}})

    def expand(text: str) -> str:
        return text.replace("{secret:PG}", "p$w")

    full = compose_variants.with_secrets(given, expand)
    assert full["services"]["web"]["environment"] == {"URL": "pg://p$$w@db", "OTHER": "a$$b"}
    assert "p$" not in json.dumps(given)
    before = compose_variants.environment(given, expand)
    assert compose_variants.environment(given, str) != before
