"""What Caddy is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipeline.kit.front.caddy import LOOKS, TRY_HEADER, configuration


def config(*ports: int) -> dict[str, Any]:
    return configuration(ports, folder="/front/live", token="t0k3n")


def handlers(node: Any, kind: str) -> Iterator[dict[str, Any]]:
    """Every handler of that kind, however deep."""
    if isinstance(node, dict):
        if node.get("handler") == kind:
            yield node
        for value in node.values():
            yield from handlers(value, kind)
    elif isinstance(node, list):
        for value in node:
            yield from handlers(value, kind)


def test_a_server_for_each_port_and_no_way_to_change_them() -> None:
    made = config(5000, 9000)
    servers = made["apps"]["http"]["servers"]
    assert [server["listen"] for server in servers.values()] == [[":5000"], [":9000"]]
    assert all(server["automatic_https"] == {"disable": True} for server in servers.values())
    assert made["admin"]["disabled"] is True
    assert json.loads(json.dumps(made)) == made


def test_a_request_goes_to_the_same_port_of_who_is_live() -> None:
    [server] = config(5000)["apps"]["http"]["servers"].values()
    dials = [
        proxy["upstreams"][0]["dial"] for proxy in handlers(server["routes"][2], "reverse_proxy")
    ]
    assert dials == ["{front.live}:5000"] * LOOKS


def test_only_who_knows_the_token_chooses_where_a_request_goes() -> None:
    [server] = config(5000)["apps"]["http"]["servers"].values()
    trying = server["routes"][1]
    pattern = trying["match"][0]["header_regexp"][TRY_HEADER]["pattern"]
    assert pattern == "^t0k3n/(.+)$"
    [proxy] = handlers(trying, "reverse_proxy")
    assert proxy["load_balancing"]["try_duration"] == "0s"
    for proxy in handlers(server, "reverse_proxy"):
        assert proxy["headers"]["request"]["delete"] == [TRY_HEADER]


def test_what_may_have_reached_the_app_is_not_sent_again() -> None:
    [server] = config(5000)["apps"]["http"]["servers"].values()
    for subroute in handlers(server, "subroute"):
        if "errors" in subroute:
            first, last = subroute["errors"]["routes"]
            assert first["match"] == [
                {"vars_regexp": {"{http.error.message}": {"pattern": "^dial "}}}
            ]
            assert last["handle"][0]["handler"] == "error"
