"""A Docker engine on paper: a socket that answers as each test wants."""

from __future__ import annotations

import http.server
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
        self.raw: dict[str, bytes] = {}
        """Answers that end with their connection, as that of exec does."""
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
        elif rest in daemon.raw:
            self.send_raw(daemon.raw[rest])
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

    def send_raw(self, body: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        time.sleep(0.2)  # the header arrives alone
        self.wfile.write(body)
        self.close_connection = True

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


def waits(daemon: Daemon, seconds: float = 60) -> Iterator[bytes]:
    yield b"first"
    daemon.over.wait(seconds)
