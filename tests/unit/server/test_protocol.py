"""What comes before a body has an end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pipeline.server.protocol import LARGEST_HEAD, Protocol

START = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def port() -> Iterator[int]:
    app = Starlette(routes=[Route("/", lambda _request: PlainTextResponse("well"))])
    config = uvicorn.Config(app, http=Protocol, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(30)


def answer(port: int, *pieces: bytes) -> bytes:
    """The first line of what comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        for piece in pieces:
            client.sendall(piece)
        return client.recv(4096).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "start", [b"GET /", START + b"X-Long: ", START], ids=["address", "one", "many"]
)
def test_a_head_without_an_end_is_refused(port: int, start: bytes) -> None:
    line = b"X-A: b\r\n" if start == START else b"a" * 8
    assert answer(port, start, line * (LARGEST_HEAD // 8 + 1)) == b"HTTP/1.1 400 Bad Request"


def test_what_comes_after_a_head_does_not_count(port: int) -> None:
    body = b"x" * (LARGEST_HEAD + 1)
    head = START + b"Content-Length: %d\r\n\r\n" % len(body)
    assert answer(port, head, body) == b"HTTP/1.1 200 OK"
    assert answer(port, START + b"X-Long: " + b"a" * 60_000 + b"\r\n\r\n") == b"HTTP/1.1 200 OK"
