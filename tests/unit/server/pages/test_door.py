"""Who may act, and how often a wrong token may be tried."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from pipeline.server.pages.door import COOKIE, TRIES, WINDOW, Door, TooManyTries

TOKEN = "let-me-in-let-me-in"


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "headers": raw, "client": ("127.0.0.1", 1)}
    return Request(scope)


def cookie_of(door: Door) -> str:
    answer = Response()
    door.let_in(answer, secure=True)
    header = answer.headers["set-cookie"]
    for word in ("HttpOnly", "SameSite=strict", "Secure", "Path=/"):
        assert word in header
    return header.split(f"{COOKIE}=")[1].split(";")[0]


def test_a_session_is_signed_and_ends_with_the_token() -> None:
    value = cookie_of(Door(TOKEN))
    session = Door(TOKEN).session(request(cookie=f"{COOKIE}={value}"))
    assert session is not None
    assert session.csrf not in value
    assert Door("another-token-altogether").session(request(cookie=f"{COOKIE}={value}")) is None
    assert Door(TOKEN).session(request(cookie=f"{COOKIE}=x{value[1:]}")) is None
    assert Door(None).session(request(cookie=f"{COOKIE}={value}")) is None


def test_a_form_belongs_to_its_session_and_to_this_site() -> None:
    door = Door(TOKEN)
    one = door.session(request(cookie=f"{COOKIE}={cookie_of(door)}"))
    other = door.session(request(cookie=f"{COOKIE}={cookie_of(door)}"))
    assert one and other
    assert door.own_form(request(), one, one.csrf)
    assert not door.own_form(request(), one, other.csrf)
    assert not door.own_form(request(), one, "\udcff")
    assert not door.own_form(request(sec_fetch_site="cross-site"), one, one.csrf)


def test_wrong_tokens_are_counted_by_client() -> None:
    now = [0.0]
    door = Door(TOKEN, clock=lambda: now[0])
    for _ in range(TRIES):
        assert not door.accepts("wrong", "10.0.0.1")
    with pytest.raises(TooManyTries):
        door.accepts(TOKEN, "10.0.0.1")
    assert door.accepts(TOKEN, "10.0.0.2")
    now[0] = WINDOW + 1
    assert door.accepts(TOKEN, "10.0.0.1")


def test_bearer_tokens() -> None:
    door = Door(TOKEN)
    assert door.bearer(request()) is None
    assert door.bearer(request(authorization=f"Bearer {TOKEN}")) is True
    assert door.bearer(request(authorization="Bearer nope")) is False
    assert door.bearer(request(authorization="Basic eDp5")) is None
    assert Door(None).bearer(request(authorization="Bearer ")) is False
