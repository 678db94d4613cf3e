"""When a release takes over blue-green, and why not."""

from __future__ import annotations

import pytest

from pipeline.kit.checks import load
from pipeline.kit.front import why_not, why_rather_not
from pipeline.ports.engine import ContainerSpec, Mount, Port

WEB = ContainerSpec(image="i", name="hello", ports=(Port(container=5000, host_port=8000),))
ASKED = load([{"get": "/"}])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"network": "shop"}, ""),
        ({"network": "host"}, "network: host"),
        ({"network": "container:db"}, "no address of its own"),
        ({"ports": ()}, "publishes no port"),
        ({"ports": (Port(container=53, host_port=53, protocol="udp"),)}, "port 53 is UDP"),
    ],
)
def test_what_makes_it_impossible(changes: dict[str, object], reason: str) -> None:
    found = why_not(WEB.model_copy(update=changes))
    assert reason in found
    assert bool(reason) == bool(found)


def test_a_port_has_to_be_asked_over_http() -> None:
    assert why_rather_not(WEB, ASKED, main=5000) == ""
    assert "port 5000" in why_rather_not(WEB, load([{"tcp": 5000}]), main=5000)
    assert "port 5000" in why_rather_not(WEB, load([{"get": "/", "port": 9000}]), main=5000)
    two = WEB.model_copy(update={"ports": (*WEB.ports, Port(container=9000, host_port=9000))})
    assert "port 9000" in why_rather_not(two, ASKED, main=5000)


def test_two_versions_do_not_write_to_the_same_data_unasked() -> None:
    data = Mount(kind="volume", source="data", target="/data")
    assert "/data" in why_rather_not(WEB.model_copy(update={"mounts": (data,)}), ASKED, main=5000)
    read = data.model_copy(update={"read_only": True})
    scratch = Mount(kind="tmpfs", target="/tmp")
    own = Mount(kind="volume", target="/cache")
    harmless = WEB.model_copy(update={"mounts": (read, scratch, own)})
    assert why_rather_not(harmless, ASKED, main=5000) == ""
