"""What the gate's Caddy is told."""

from __future__ import annotations

from typing import Any

from pipeline.kit.gate import Acme
from pipeline.kit.gate.caddy import (
    FOLDER,
    ROOT,
    configuration,
    domain_of,
    entry,
    is_secure,
)


def servers(**more: Any) -> dict[str, Any]:
    made = configuration(Acme(), **{"permission": True, **more})
    found: dict[str, Any] = made["apps"]["http"]["servers"]
    return found


def automation(permission: bool = True, **acme: str) -> dict[str, Any]:
    made = configuration(Acme(**acme), permission=permission)
    found: dict[str, Any] = made["apps"]["tls"]["automation"]
    return found


def test_only_domains_that_have_a_file_are_served() -> None:
    for name, by, signs in (
        ("https", "host", "@"),
        ("http", "host", "=@"),
        ("ask", "uri.query.domain", "@"),
    ):
        _, *known, unknown = servers()[name]["routes"]
        assert [route["match"] for route in known] == [
            [{"file": {"root": FOLDER, "try_files": [f"/{{http.request.{by}}}{sign}*"]}}]
            for sign in signs
        ]
        assert unknown["handle"][0]["status_code"] == 404
    assert servers()["ask"]["listen"] == ["127.0.0.1:9321"]


def test_plain_http_is_sent_to_https() -> None:
    redirect = servers()["http"]["routes"][2]["handle"][0]
    assert redirect["status_code"] == 308
    assert redirect["headers"]["Location"] == ["https://{http.request.host}{http.request.uri}"]


def test_names_that_nobody_owns_are_vouched_for_by_the_gate() -> None:
    home, public = automation()["policies"]
    assert {"localhost", "*.localhost", "*.*.test"} <= set(home["subjects"])
    assert home["issuers"] == [{"module": "internal"}]
    assert public == {"on_demand": True}  # Caddy's own choice


def test_another_authority() -> None:
    _, public = automation(ca="https://ca.example/dir", email="ops@example.org")["policies"]
    assert public["issuers"] == [
        {"module": "acme", "ca": "https://ca.example/dir", "email": "ops@example.org"}
    ]


def test_an_authority_of_ones_own_is_trusted_by_its_root() -> None:
    _, public = automation(ca="https://ca.example/dir", root="PEM")["policies"]
    assert public["issuers"][0]["trusted_roots_pem_files"] == [ROOT]


def test_an_entry_is_read_as_it_was_written() -> None:
    for secure in (True, False):
        name = entry("a.test", "a-front:8000", secure=secure)
        assert (domain_of(name), is_secure(name)) == ("a.test", secure)


def test_both_ways_to_ask_for_leave() -> None:
    assert automation(permission=False)["on_demand"] == {"ask": "http://127.0.0.1:9321/"}
    assert automation()["on_demand"]["permission"]["endpoint"] == "http://127.0.0.1:9321/"
