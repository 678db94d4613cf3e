"""Which service of a Compose project is behind the front, and why not."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.kit.front import Route, through_front
from pipeline.ports.engine import Port

ROUTE = Route(service="web", port=8000)


def model(**web: Any) -> dict[str, Any]:
    ports = [{"target": 8000, "published": "80"}]
    return {
        "services": {"web": {"image": "w", "ports": ports, **web}, "db": {"image": "d"}},
        "networks": {"default": {"name": "shop_default"}, "inside": {"internal": True}},
    }


def test_the_front_takes_the_port_over() -> None:
    left, ports = through_front(model(), ROUTE, ())
    assert ports == [Port(container=8000, host_port=80)]
    assert left["services"]["web"]["ports"] == []
    assert left["services"]["db"] == {"image": "d"}


def test_publish_says_another_one() -> None:
    wanted = Port(container=8000, host_port=9000)
    left, ports = through_front(model(ports=[]), ROUTE, (wanted,))
    assert (ports, left["services"]["web"]["ports"]) == ([wanted], [])


@pytest.mark.parametrize(
    ("web", "reason"),
    [
        ({"container_name": "web"}, "container_name"),
        ({"network_mode": "host"}, "network_mode"),
        ({"deploy": {"replicas": 2}}, "several containers"),
        ({"networks": {"default": {"ipv4_address": "10.0.0.2"}}}, "fixed address"),
        ({"networks": {"inside": None}}, "internal networks only"),
        ({"ports": []}, "no host port leads to port 8000"),
        ({"ports": [{"target": 8000, "published": "80"}, {"target": 9229, "published": "9229"}]},
         "publishes port 9229, too"),
    ],
)  # fmt: skip
def test_what_cannot_be_there_twice_is_refused(web: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        through_front(model(**web), ROUTE, ())


def test_what_the_route_names_has_to_be_there() -> None:
    with pytest.raises(ValueError, match="no service 'api'"):
        through_front(model(), Route(service="api", port=8000), ())
    with pytest.raises(ValueError, match="names port 9000"):
        through_front(model(), ROUTE, (Port(container=9000, host_port=80),))
