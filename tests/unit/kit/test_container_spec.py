from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.kit import container_spec
from pipeline.kit.container_options import ContainerOptions
from pipeline.kit.sharing import Sharing
from pipeline.ports.engine import ContainerSpec, Health, ImageInfo, Port

IMAGE = ImageInfo(id="sha256:1", ports=(5000, 9000))


def base(
    image: ImageInfo = IMAGE, files: dict[str, str] | None = None, **keys: Any
) -> ContainerSpec:
    return container_spec.base_spec(
        ContainerOptions.model_validate(keys), image=image, project="hello",
        directory=Path("/srv/app"), from_files=files or {},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "image", "port"),
    [
        ({"port": 80}, IMAGE, 80),
        ({}, IMAGE, 5000),
        ({"ports": ["8080:7000"]}, ImageInfo(id="x"), 7000),
        ({"ports": ["8080:7000"]}, IMAGE, 7000),
        ({"ports": ["8081:7000", "8080:9000"]}, IMAGE, 9000),
    ],
)
def test_the_main_port(keys: dict[str, Any], image: ImageInfo, port: int) -> None:
    spec = base(image, **keys)
    assert spec.environment["PORT"] == str(port)


def test_a_worker_has_no_port() -> None:
    spec = base(ImageInfo(id="x"))
    assert "PORT" not in spec.environment
    assert spec.ports == ()


def test_env_wins_over_files_and_secrets_over_both() -> None:
    spec = base(
        files={"A": "file", "B": "file", "PORT": "1"}, env={"B": "env", "C": "env"}, secrets=["C"]
    )
    assert spec.environment == {"PORT": "1", "A": "file", "B": "env", "C": "{secret:C}"}


def test_without_ports_the_main_one_is_published_on_loopback() -> None:
    assert base().ports == (Port(container=5000, host_port=5000, host_ip="127.0.0.1"),)
    assert base(ports=["80:5000"]).ports == (Port(container=5000, host_port=80),)
    assert base(network="host").ports == ()


def test_volumes_are_the_projects_own_and_sources_absolute() -> None:
    spec = base(volumes=["data:/d", "./conf:/c", "/anonymous"], tmpfs=["/t"])
    assert [mount.source for mount in spec.mounts] == ["hello_data", "/srv/app/conf", "", ""]
    assert container_spec.named_volumes(spec) == ("hello_data",)


def test_a_candidate_is_never_in_the_way() -> None:
    spec = base(
        ports=["80:5000", "53:53/udp"], labels={"traefik.enable": "true"}, volumes=["data:/d"]
    )
    made, notes = container_spec.as_candidate(
        spec, name="hello-candidate-1", labels={"ours": "1"}, exposed=(5000, 9000)
    )
    assert made.ports == (
        Port(container=5000, host_ip="127.0.0.1"),
        Port(container=9000, host_ip="127.0.0.1"),
        Port(container=53, host_ip="127.0.0.1", protocol="udp"),
    )
    assert made.restart == "no"
    assert made.labels == {"ours": "1"}
    assert made.mounts[0].source.startswith("hello-candidate-1_hello_data-")
    assert made.environment == spec.environment
    assert notes == ()


def test_folders_of_the_host_are_read_only_in_a_candidate_unless_told() -> None:
    spec = base(volumes=["./a:/a", "./b:/b:ro", "./c:/c", "./d:/d"])
    made, notes = container_spec.as_candidate(
        spec, name="c", labels={}, sharing=Sharing(share=("./c",), fresh=("/d",))
    )
    shown = [(m.kind, m.target, m.read_only) for m in made.mounts]
    assert shown == [
        ("bind", "/a", True), ("bind", "/b", True), ("bind", "/c", False), ("volume", "/d", False)
    ]  # fmt: skip
    (note,) = notes
    assert "/srv/app/a is the live app's too" in note.message
    assert "fresh: [/a]" in note.hint


@pytest.mark.parametrize("network", ["host", "container:db"])
def test_a_network_that_cannot_be_doubled_is_refused(network: str) -> None:
    with pytest.raises(ConfigError, match="cannot run beside the live container"):
        container_spec.as_candidate(base(network=network), name="c", labels={})


def test_the_live_one_has_the_users_labels_ports_and_policy() -> None:
    spec = base(ports=["80:5000"], labels={"mine": "1", "clash": "user"})
    live = container_spec.as_live(spec, name="hello-r1", labels={"clash": "ours"})
    assert (live.name, live.ports, live.restart) == ("hello-r1", spec.ports, "unless-stopped")
    assert live.labels == {"mine": "1", "clash": "ours"}
    other = container_spec.as_live(
        spec, name="x", labels={}, ports=(Port(container=5000, host_port=1),), restart="no"
    )
    assert (other.ports[0].host_port, other.restart) == (1, "no")


def test_secrets_become_values_for_the_engine_only() -> None:
    spec = base(env={"URL": "postgres://u:{secret:PG}@db"}, secrets=["TOKEN"])
    values = {"{secret:TOKEN}": "t"}

    def expand(text: str) -> str:
        return values.get(text, text.replace("{secret:PG}", "p"))

    full = container_spec.with_secrets(spec, expand)
    assert full.environment["URL"] == "postgres://u:p@db"
    assert full.environment["TOKEN"] == "t"
    assert "{secret:PG}" in spec.environment["URL"]
    before = container_spec.environment(spec, expand)
    values["{secret:TOKEN}"] = "other"
    assert container_spec.environment(spec, expand) != before


def test_a_spec_survives_its_record() -> None:
    spec = base(volumes=["d:/d"], healthcheck={"test": "true", "interval": "5s"}, memory="64m")
    assert ContainerSpec.model_validate_json(spec.model_dump_json()) == spec


def test_slow_health_checks_are_asked_early() -> None:
    checked = IMAGE.model_copy(
        update={"health": Health(test=("CMD", "x"), interval=30, start_period=5)}
    )
    quick = container_spec.with_quick_health(base(), checked, known=True).health
    assert quick == Health(test=("CMD", "x"), interval=30, start_period=30, start_interval=0.25)
    assert container_spec.with_quick_health(base(), checked, known=False).health is None
    fast = base(healthcheck={"test": "x", "interval": "2s"})
    assert container_spec.with_quick_health(fast, checked, known=True) == fast
    off = base(healthcheck={"disable": True})
    assert container_spec.with_quick_health(off, checked, known=True) == off
    only_interval = base(healthcheck={"interval": "10s"})
    merged = container_spec.with_quick_health(only_interval, checked, known=True).health
    assert merged == Health(test=("CMD", "x"), interval=10, start_period=10, start_interval=0.25)
