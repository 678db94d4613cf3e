"""Calls that cannot hang and streams that can be cut, against an engine that misbehaves."""

from __future__ import annotations

import http.server
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters import guard
from pipeline.adapters.docker import client as client_module
from pipeline.adapters.docker.client import Client
from pipeline.adapters.docker.endpoint import Endpoint
from pipeline.errors import Cancelled, DeadlineExceeded, EngineUnavailable, NotFound
from pipeline.scope import Scope

Answer = tuple[int, bytes]


class Daemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers pings while it is not ``frozen``, and other paths by ``answers``."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.frozen = threading.Event()
        self.over = threading.Event()
        self.newest = "1.45"
        self.seen: list[str] = []
        self.answers: dict[str, Callable[[], Answer]] = {}
        self.chunks: dict[str, Callable[[], Iterator[bytes]]] = {}
        super().__init__(str(path), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are a part of these tests."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Daemon

    def do_GET(self) -> None:
        daemon, path = self.server, self.path.partition("?")[0]
        daemon.seen.append(path)
        while daemon.frozen.is_set() and not daemon.over.is_set():
            time.sleep(0.01)
        version, _, rest = path.removeprefix("/v").partition("/")
        if path.endswith("_ping"):
            known = path == "/_ping" or version == daemon.newest
            self.send(200 if known else 400, b"OK")
        elif rest in daemon.chunks:
            self.stream(daemon.chunks[rest]())
        else:
            self.send(*daemon.answers.get(rest, lambda: (404, b'{"message": "page not found"}'))())

    def send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Api-Version", self.server.newest)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, chunks: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    monkeypatch.setattr(client_module, "PATIENCE", 0.3)
    monkeypatch.setattr(client_module, "PING", 0.3)
    monkeypatch.setattr(guard, "PROBE_EVERY", 0.1)
    server = Daemon(tmp_path / "docker.sock")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(daemon: Daemon, tmp_path: Path) -> Client:
    return Client(Endpoint(f"unix://{daemon.server_address!s}", tmp_path))


def waits(daemon: Daemon, seconds: float = 60) -> Iterator[bytes]:
    yield b"first"
    daemon.over.wait(seconds)


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
    with client.stream("GET", "/events", scope=Scope(0.5)) as chunks:
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
