"""The engine's streams: JSON messages, progress, multiplexed logs, credentials in a header."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator

import pytest

from pipeline.adapters.docker.containers import _lines
from pipeline.adapters.docker.images import _auth_header, _pushed
from pipeline.adapters.docker.progress import Transfer, failure, messages
from pipeline.ports.registry import Auth


def test_messages_are_put_together_from_pieces() -> None:
    chunks = [b'{"a": 1}\r\n{"b"', b": 2}\n", b'\n[]\n{"c": 3}']
    assert list(messages(chunks)) == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"errorDetail": {"message": "denied"}, "error": "x"}, "denied"),
        ({"error": "denied"}, "denied"),
        ({"status": "Pushed"}, ""),
        ({"errorDetail": None}, ""),
    ],
)
def test_what_went_wrong(message: dict[str, object], text: str) -> None:
    assert failure(message) == text


def test_a_transfer_is_told_in_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("pipeline.adapters.docker.progress.time.monotonic", lambda: now[0])
    lines: list[str] = []
    transfer = Transfer(lines.append)
    transfer.tell({"status": "The push refers to repository [r/x]"})
    transfer.tell({"status": "Preparing", "id": "a", "progressDetail": {}})
    for done in range(100):
        now[0] += 0.03
        size = {"current": done * 1_000_000, "total": 100_000_000}
        transfer.tell({"status": "Pushing", "id": "a", "progressDetail": size})
    transfer.tell({"status": "Pushing", "id": "b", "progressDetail": {"current": 5}})
    for seconds in (5, 4, 3):
        transfer.tell({"status": f"Retrying in {seconds} seconds", "id": "b"})
    transfer.tell({"status": "Pushed", "id": "a", "progressDetail": {}})
    transfer.tell({"status": "Layer already exists", "id": "c"})
    assert lines == [
        "The push refers to repository [r/x]",
        "Pushing 33 MB of 100 MB", "Pushing 67 MB of 100 MB",
        "b: Retrying in 5 seconds", "a: Pushed", "c: Layer already exists",
    ]  # fmt: skip


def test_bytes_are_numbers_for_who_asks_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(100))
    monkeypatch.setattr("pipeline.adapters.docker.progress.time.monotonic", lambda: next(now))
    lines, told = list[str](), list[tuple[int, int]]()
    transfer = Transfer(lines.append, lambda done, total: told.append((done, total)))
    for layer in "ab":
        size = {"current": 10, "total": 50}
        transfer.tell({"status": "Pushing", "id": layer, "progressDetail": size})
    assert (lines, told) == ([], [(10, 50), (20, 100)])


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_streams_of_a_log_are_put_together_each_by_itself(size: int) -> None:
    data = frame(1, b"on") + frame(2, b"err\n") + frame(1, b"e\ntwo") + frame(2, b"")
    assert list(_lines(in_pieces(data, size), tty=False)) == ["err", "one", "two"]
    assert list(_lines(in_pieces(b"a\r\nb", size), tty=True)) == ["a", "b"]


def decoded(auth: Auth | None) -> dict[str, str]:
    found: dict[str, str] = json.loads(base64.urlsafe_b64decode(_auth_header(auth)))
    return found


def test_credentials_are_for_one_call() -> None:
    assert decoded(None) == {}
    assert decoded(Auth(username="u", password="p")) == {"username": "u", "password": "p"}
    assert decoded(Auth(username="<token>", identity_token="t")) == {"identitytoken": "t"}


def test_the_digest_of_a_push() -> None:
    assert _pushed({"aux": {"Tag": "1", "Digest": "sha256:1", "Size": 2}}) == "sha256:1"
    digest = f"sha256:{'a' * 64}"
    assert _pushed({"status": f"1: digest: {digest} size: 527"}) == digest
    assert _pushed({"status": "Pushed"}) == ""
    assert _pushed({"aux": "base64"}) == ""
