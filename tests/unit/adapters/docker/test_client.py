"""Calls that cannot hang and streams that can be cut, against an engine that misbehaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.docker.client import Client
from pipeline.adapters.docker.endpoint import Endpoint
from pipeline.errors import Cancelled, DeadlineExceeded, EngineUnavailable, NotFound
from pipeline.scope import Scope
from tests.unit.adapters.docker.daemon import Answer, Daemon, waits


@pytest.fixture
def client(daemon: Daemon, tmp_path: Path) -> Client:
    return Client(Endpoint(f"unix://{daemon.server_address!s}", tmp_path))


def test_both_sides_speak_a_version_that_they_know(daemon: Daemon, client: Client) -> None:
    daemon.answers["info"] = lambda: (200, b'{"ID": "x"}')
    assert client.ask(lambda api: api.info())["ID"] == "x"
    assert daemon.seen[-1] == "/v1.45/info"


def test_an_older_engine_is_spoken_to_in_its_version(daemon: Daemon, client: Client) -> None:
    daemon.newest = "1.41"
    daemon.answers["info"] = lambda: (200, b"{}")
    client.ask(lambda api: api.info())
    assert daemon.seen[-1] == "/v1.41/info"


def test_answers_that_are_errors_are_ours(daemon: Daemon, client: Client) -> None:
    with pytest.raises(NotFound, match="page not found"):
        client.ask(lambda api: api.info())
    with (
        pytest.raises(NotFound, match="page not found"),
        client.stream("GET", "/events", scope=Scope(20)),
    ):
        pytest.fail("there is nothing to stream")


def test_a_slow_engine_is_waited_for(daemon: Daemon, client: Client) -> None:
    def slowly() -> Answer:
        daemon.over.wait(1.5)  # several times our patience
        return 200, b'{"ID": "slow"}'

    daemon.answers["info"] = slowly
    assert client.ask(lambda api: api.info())["ID"] == "slow"
    assert daemon.seen.count("/_ping") >= 2


def test_a_slow_call_is_not_waited_for_for_ever(daemon: Daemon, client: Client) -> None:
    daemon.answers["info"] = lambda: ((daemon.over.wait(60) and 200) or 200, b"{}")
    with pytest.raises(EngineUnavailable, match="does not answer"):
        client.ask(lambda api: api.info(), at_most=0.5)


def test_a_frozen_engine_is_noticed(daemon: Daemon, client: Client) -> None:
    client.ping()
    daemon.frozen.set()
    before = time.monotonic()
    with pytest.raises(EngineUnavailable, match="does not answer"):
        client.ask(lambda api: api.info())
    assert time.monotonic() - before < 10


def test_an_engine_that_is_frozen_from_the_start_is_noticed(daemon: Daemon, client: Client) -> None:
    daemon.frozen.set()
    with pytest.raises(EngineUnavailable, match="does not answer"):
        client.ask(lambda api: api.info())


@pytest.mark.parametrize("known", [True, False])
def test_an_engine_that_was_frozen_is_not_waited_for_again_until_it_answers(
    daemon: Daemon, client: Client, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.adapters.docker.client.AGAIN", 0.05)
    daemon.answers["info"] = lambda: (200, b'{"ID": "x"}')
    if known:
        client.ping()
    daemon.frozen.set()
    with pytest.raises(EngineUnavailable, match="does not answer"):
        client.ask(lambda api: api.info())
    before = time.monotonic()
    for _ in range(5):
        with pytest.raises(EngineUnavailable, match="does not answer"):
            client.ask(lambda api: api.info())
    assert time.monotonic() - before < 1
    daemon.frozen.clear()
    assert client.ask(lambda api: api.info())["ID"] == "x"


def test_nobody_there(tmp_path: Path) -> None:
    client = Client(Endpoint(f"unix://{tmp_path}/missing.sock", tmp_path))
    with pytest.raises(EngineUnavailable, match="no Docker engine answers") as caught:
        client.ask(lambda api: api.info())
    assert "DOCKER_HOST" in caught.value.hint


def test_a_call_ends_with_the_scope_and_its_late_result_is_given_back(
    daemon: Daemon, client: Client
) -> None:
    free = threading.Event()
    late: list[Any] = []

    def when_free() -> Answer:
        free.wait(60)
        return 200, b'{"ID": "late"}'

    daemon.answers["info"] = when_free
    with pytest.raises(DeadlineExceeded):
        client.ask(lambda api: api.info(), scope=Scope(0.2), discard=late.append)
    free.set()
    until = time.monotonic() + 10
    while not late and time.monotonic() < until:
        time.sleep(0.01)
    assert late[0]["ID"] == "late"


def test_a_stream_gives_chunks_as_they_come(daemon: Daemon, client: Client) -> None:
    daemon.chunks["events"] = lambda: iter([b"one", b"two"])
    with client.stream("GET", "/events", scope=Scope(20)) as chunks:
        assert list(chunks) == [b"one", b"two"]


def test_a_stream_is_cut_when_the_scope_ends(daemon: Daemon, client: Client) -> None:
    daemon.chunks["events"] = lambda: waits(daemon)
    scope = Scope(60)
    before = time.monotonic()
    with client.stream("GET", "/events", scope=scope) as chunks:
        assert next(chunks) == b"first"
        threading.Timer(0.2, scope.cancel).start()
        with pytest.raises(Cancelled):
            next(chunks)
    with client.stream("GET", "/events", scope=Scope(2)) as chunks:
        assert next(chunks) == b"first"
        with pytest.raises(DeadlineExceeded):
            next(chunks)
    assert time.monotonic() - before < 10


def test_a_stream_of_an_engine_that_freezes_is_cut(daemon: Daemon, client: Client) -> None:
    daemon.chunks["events"] = lambda: waits(daemon)
    with client.stream("GET", "/events", scope=Scope(60)) as chunks:
        assert next(chunks) == b"first"
        daemon.frozen.set()
        with pytest.raises(EngineUnavailable, match="does not answer"):
            next(chunks)


def test_a_stream_that_breaks_off_is_an_engine_that_went_away(
    daemon: Daemon, client: Client
) -> None:
    def breaks() -> Iterator[bytes]:
        yield b"first"
        raise ConnectionAbortedError

    daemon.chunks["events"] = breaks
    with client.stream("GET", "/events", scope=Scope(20)) as chunks:
        assert next(chunks) == b"first"
        with pytest.raises(EngineUnavailable):
            next(chunks)


def test_what_the_reader_raises_is_not_the_engines_fault(daemon: Daemon, client: Client) -> None:
    daemon.chunks["events"] = lambda: iter([b"one"])
    with (
        pytest.raises(OSError, match="disk full"),
        client.stream("GET", "/events", scope=Scope(20)) as chunks,
    ):
        next(chunks)
        raise OSError("disk full")
