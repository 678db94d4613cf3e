from typing import Any

import pytest

from pipeline.kit import compose_model
from pipeline.kit.compose_model import FileOrVariable, PullSpec
from pipeline.ports.engine import Port

MODEL: dict[str, Any] = {
    "name": "shop",
    "services": {
        "api": {
            "build": {
                "context": "/srv/a$$b",
                "dockerfile": "docker/Dockerfile",
                "target": "prod",
                "args": {"COST": "5$$", "UNSET": None},
                "secrets": [{"source": "npm"}, {"source": "pip", "target": "pypi"}],
                "additional_contexts": {"base": "service:base", "lib": "/srv/lib"},
                "extra_hosts": ["proxy=10.0.0.1", "six=[::1]"],
                "shm_size": "67108864",
                "ulimits": None,
            },
            "image": "acme/api:1",
            "depends_on": {"db": {"condition": "service_healthy"},
                           "migrate": {"condition": "service_completed_successfully"}},
            "ports": [{"target": 3000, "published": "8080", "protocol": "tcp"},
                      {"target": 53, "published": "53", "protocol": "udp", "host_ip": "127.0.0.1"},
                      {"target": 9000, "published": "9000-9010"}],
            "expose": ["3001", "3002/udp"],
        },
        "base": {"build": {"context": "https://example.org/x.git#main", "dockerfile": "D"}},
        "db": {"image": "postgres:16", "restart": "always", "pull_policy": "always"},
        "migrate": {"build": {"context": "/srv/m", "dockerfile_inline": "FROM x\nRUN echo $$A\n"},
                    "restart": "always"},
        "seed": {"image": "busybox", "platform": "linux/amd64"},
    },
    "secrets": {"npm": {"file": "/srv/npm"}, "pip": {"environment": "PIP_TOKEN"}},
}  # fmt: skip


def test_builds_have_literal_values() -> None:
    builds = compose_model.builds(MODEL)
    assert list(builds) == ["api", "base", "migrate"]
    api = builds["api"]
    assert api.context == "/srv/a$b"
    assert api.dockerfile == "/srv/a$b/docker/Dockerfile"
    assert (api.target, api.image) == ("prod", "acme/api:1")
    assert api.args == {"COST": "5$"}
    assert api.secrets == {
        "npm": FileOrVariable(file="/srv/npm"), "pypi": FileOrVariable(environment="PIP_TOKEN"),
    }  # fmt: skip
    assert api.extra_hosts == {"proxy": "10.0.0.1", "six": "::1"}
    assert api.ignored == ("shm_size",)
    assert api.after == ("base",)
    assert not api.remote


def test_a_remote_context_and_an_inline_dockerfile() -> None:
    builds = compose_model.builds(MODEL)
    assert builds["base"].remote
    assert builds["base"].dockerfile == "D"
    assert builds["migrate"].dockerfile is None
    assert builds["migrate"].inline == "FROM x\nRUN echo $A\n"


def test_what_is_not_built_is_pulled() -> None:
    pulls = compose_model.pulls(MODEL)
    assert pulls == {
        "db": PullSpec(ref="postgres:16", policy="always"),
        "seed": PullSpec(ref="busybox", platform="linux/amd64"),
    }
    assert pulls["db"].always
    assert not pulls["seed"].always


def test_one_shots_are_awaited_or_ask_for_nothing() -> None:
    # migrate is awaited; base and seed have neither ports nor a restart policy.
    assert compose_model.one_shots(MODEL) == {"migrate", "base", "seed"}


def test_published_and_exposed_ports() -> None:
    api = MODEL["services"]["api"]
    assert compose_model.published(api) == (
        Port(container=3000, host_port=8080),
        Port(container=53, host_port=53, host_ip="127.0.0.1", protocol="udp"),
        Port(container=9000),
    )
    assert compose_model.exposed(api) == (3000, 9000, 3001)


def test_selected_services_bring_what_they_depend_on() -> None:
    chosen = compose_model.select(MODEL, ["api"])
    assert set(compose_model.services(chosen)) == {"api", "db", "migrate"}
    assert compose_model.select(MODEL, []) is MODEL


@pytest.mark.parametrize(
    ("services", "main"),
    [
        ({"db": {}, "web": {"ports": [{"target": 80}]}, "a": {"ports": [{"target": 81}]}}, "web"),
        ({"db": {}, "shop": {"ports": [{"target": 80}]}}, "shop"),
        ({"job": {}, "worker": {"restart": "always"}}, "worker"),
        ({"job": {}}, "job"),
    ],
)
def test_the_main_service(services: dict[str, Any], main: str) -> None:
    assert compose_model.main_service({"services": services}) == main


def test_the_main_service_is_one_of_those_asked_for() -> None:
    assert compose_model.main_service(MODEL, ["seed", "db"]) == "db"
