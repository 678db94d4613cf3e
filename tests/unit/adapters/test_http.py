"""HTTP against sockets on loopback that say what each test wants."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pipeline.adapters.http import DirectHttp
from pipeline.errors import Cancelled, DeadlineExceeded
from pipeline.ports.http import HttpFailure, HttpRequest, HttpResponse
from pipeline.scope import Scope

Handler = Callable[[socket.socket], None]


class Server:
    """Hands each connection to ``handler``; ``received`` has the first bytes of each."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.received: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self.received.append(connection.recv(65536))
                self.handler(connection)


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], Server]]:
    servers: list[Server] = []

    def start(handler: Handler) -> Server:
        servers.append(Server(handler))
        return servers[-1]

    yield start
    for server in servers:
        server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()


def says(*parts: bytes) -> Handler:
    return lambda connection: connection.sendall(b"".join(parts))


def ok(body: bytes, *headers: bytes) -> Handler:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return says(b"\r\n".join(lines) + b"\r\n\r\n" + body)


def ask(url: str, **fields: object) -> HttpRequest:
    return HttpRequest.model_validate({"url": url, **fields})


def request(asked: HttpRequest, seconds: float = 20) -> HttpResponse:
    return DirectHttp().request(asked, Scope(seconds, what="check"))


def failure(asked: HttpRequest) -> HttpFailure:
    with pytest.raises(HttpFailure) as caught:
        request(asked)
    return caught.value


def test_an_answer_has_status_headers_and_body(serve: Callable[[Handler], Server]) -> None:
    server = serve(ok(b"hi", b"X-Two: a", b"X-Two: b", b"Content-Type: text/plain"))
    response = request(ask(server.url + "/a b?q=ü", headers={"X-Mine": "1"}))
    assert (response.status, response.body, response.truncated) == (200, b"hi", False)
    assert response.headers["content-type"] == "text/plain"
    assert response.headers["x-two"] == "a, b"
    assert 0 < response.seconds < 20
    sent = server.received[0].decode()
    assert sent.startswith("GET /a%20b?q=%C3%BC HTTP/1.1\r\n")
    assert "X-Mine: 1\r\n" in sent
    assert f"Host: 127.0.0.1:{server.port}\r\n" in sent


def test_a_body_is_sent(serve: Callable[[Handler], Server]) -> None:
    server = serve(ok(b""))
    request(ask(server.url, method="POST", body=b"data"))
    assert server.received[0].startswith(b"POST / HTTP/1.1\r\n")
    assert b"Content-Length: 4" in server.received[0]


def test_proxies_of_the_environment_are_not_used(
    serve: Callable[[Handler], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert request(ask(serve(ok(b"hi")).url)).body == b"hi"


def test_a_long_body_is_cut(serve: Callable[[Handler], Server]) -> None:
    response = request(ask(serve(ok(b"x" * 1000)).url, max_bytes=10))
    assert (response.body, response.truncated) == (b"x" * 10, True)
    whole = request(ask(serve(ok(b"x" * 10)).url, max_bytes=10))
    assert (whole.body, whole.truncated) == (b"x" * 10, False)


def test_a_compressed_body_is_unpacked_within_bounds(serve: Callable[[Handler], Server]) -> None:
    bomb = ok(gzip.compress(b"x" * 10_000_000), b"Content-Encoding: gzip")
    response = request(ask(serve(bomb).url, max_bytes=100_000))
    assert (len(response.body), response.truncated) == (100_000, True)


def test_a_redirect_is_an_answer_unless_it_is_followed(
    serve: Callable[[Handler], Server],
) -> None:
    def handler(connection: socket.socket) -> None:
        first = len(server.received) % 2
        there = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
        (says(there) if first else ok(b"arrived"))(connection)

    server = serve(handler)
    assert request(ask(server.url)).status == 302
    server.received.clear()
    response = request(ask(server.url, method="POST", body=b"x", follow_redirects=True))
    assert response.body == b"arrived"
    assert server.received[1].startswith(b"GET /there HTTP/1.1")


@pytest.mark.parametrize(
    "target", ["http://example.com/", "https://127.0.0.1/", "http://127.0.0.1:1/", "//evil/"]
)
def test_a_redirect_elsewhere_is_not_followed(
    target: str, serve: Callable[[Handler], Server]
) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"
    server = serve(says(head.encode()))
    assert "another place" in str(failure(ask(server.url, follow_redirects=True)))


def test_redirects_without_end_are_given_up(serve: Callable[[Handler], Server]) -> None:
    server = serve(says(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"))
    assert "redirected more than 5 times" in str(failure(ask(server.url, follow_redirects=True)))


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    found = failure(ask(f"http://127.0.0.1:{port}/"))
    assert "connection refused" in str(found)
    assert found.kind == "absent"


@pytest.mark.parametrize(
    ("handler", "words", "kind"),
    [
        (says(), "without an answer", "absent"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "does not speak HTTP", "broken"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), "middle of the body", None),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx"), "middle", None),
    ],
)
def test_a_bad_answer_says_how(
    handler: Handler, words: str, kind: str | None, serve: Callable[[Handler], Server]
) -> None:
    found = failure(ask(serve(handler).url))
    assert words in str(found)
    assert kind in (None, found.kind)


def drips(connection: socket.socket) -> None:
    """A byte now and then, so that no single read takes long."""
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def silent(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.settimeout(20)
        connection.recv(1)


def slow_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    silent(connection)


@pytest.mark.parametrize("handler", [drips, silent, slow_body])
def test_the_time_limit_is_for_the_whole_exchange(
    handler: Handler, serve: Callable[[Handler], Server]
) -> None:
    before = time.monotonic()
    found = failure(ask(serve(handler).url, timeout=0.5))
    assert found.kind == "timeout"
    assert "within 0.5 s" in str(found)
    assert time.monotonic() - before < 10


def test_the_scope_ends_it(serve: Callable[[Handler], Server]) -> None:
    server = serve(silent)
    with pytest.raises(DeadlineExceeded):
        request(ask(server.url, timeout=60), seconds=0.3)
    cancelled = Scope(60)
    threading.Timer(0.3, cancelled.cancel).start()
    before = time.monotonic()
    with pytest.raises(Cancelled):
        DirectHttp().request(ask(server.url, timeout=60), cancelled)
    assert time.monotonic() - before < 10


@pytest.mark.parametrize(
    "url", ["ftp://x/", "http://", "nonsense", "http://h:port/", "http://h:99999/"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    assert "URL" in str(failure(ask(url)))


def test_what_cannot_be_sent_is_refused(serve: Callable[[Handler], Server]) -> None:
    server = serve(ok(b""))
    assert "cannot be sent" in str(failure(ask(server.url, headers={"X": "a\r\nY: b"})))
    assert "cannot be sent" in str(failure(ask(server.url, method="GET /x HTTP/1.1\r\nX:")))


def test_a_host_that_has_no_address() -> None:
    assert "cannot be resolved" in str(failure(ask("http://no-such-host.invalid/")))


def test_a_connection_is_made_and_stays(serve: Callable[[Handler], Server]) -> None:
    server = serve(silent)
    DirectHttp().tcp("127.0.0.1", server.port, 5)
    with pytest.raises(HttpFailure):
        DirectHttp().tcp("127.0.0.1", 1, 5)


def test_a_port_in_use_is_not_free() -> None:
    http = DirectHttp()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert not http.port_free("127.0.0.1", port)
        assert not http.port_free("", port)
    assert http.port_free("127.0.0.1", port)
    assert http.port_free("", port)
