"""HTTP and TCP towards the candidate, over the standard library's ``http.client``.

Not over requests: its time limits are per read, so a server that sends a byte now and then never
runs into them. Here one guard holds the socket and ends the whole exchange.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import socket
import ssl
import time
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from pipeline.adapters.guard import guarded
from pipeline.ports.http import HttpFailure, HttpRequest, HttpResponse
from pipeline.scope import Scope

MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_USER_AGENT = "dockcycle"
_URL_BYTES = "/%:@!$&'()*+,;=~?"
"""What stands for itself in path and query; anything else is percent-encoded."""


class DirectHttp:
    """Implements ``pipeline.ports.Http``, from this machine."""

    stays_open = 0.1
    """Seconds that an opened connection has to last to count."""

    def dial(self, host: str, port: int, limit: float) -> AbstractContextManager[socket.socket]:
        """A connection; ``limit`` is its timeout, and that of making it."""
        return contextlib.closing(socket.create_connection((host, port), limit))

    def request(self, request: HttpRequest, scope: Scope) -> HttpResponse:
        started = time.monotonic()
        for _hop in range(MAX_REDIRECTS + 1):
            scope.check()
            left = request.timeout - (time.monotonic() - started)
            response = self._exchange(request, left, scope)
            target = _redirect(request, response)
            if target is None:
                total = time.monotonic() - started
                return response.model_copy(update={"seconds": total})
            request = _followed(request, response.status, target)
        raise HttpFailure(f"redirected more than {MAX_REDIRECTS} times")

    def tcp(self, host: str, port: int, timeout: float) -> None:
        with _plain_words(host, port, timeout), self.dial(host, port, timeout) as sock:
            sock.settimeout(self.stays_open)
            with contextlib.suppress(TimeoutError):  # a server that waits for us to speak
                if not sock.recv(1):
                    raise ConnectionResetError

    def tls(self, host: str, port: int, name: str, timeout: float) -> None:
        context = _unverified()
        with _plain_words(host, port, timeout), self.dial(host, port, timeout) as sock:
            context.wrap_socket(sock, server_hostname=name).close()

    def port_free(self, host: str, port: int) -> bool:
        return all(_can_bind(family, address, port) for family, address in _addresses(host))

    def _exchange(self, request: HttpRequest, limit: float, scope: Scope) -> HttpResponse:
        """One request and its answer; redirects are given as they are."""
        url = _split(request.url)
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        to = request.at or host
        with _plain_words(to, port, request.timeout):
            if limit <= 0:
                raise TimeoutError
            started = time.monotonic()
            with (
                self.dial(to, port, scope.remaining(limit)) as plain,
                contextlib.closing(
                    _connection(url.scheme, host, port, plain, verify=not request.at)
                ) as connection,
            ):
                sock = connection.sock
                left = limit - (time.monotonic() - started)
                with guarded(lambda: _shut(sock), scope, limit=left) as guard:
                    try:
                        return _talk(connection, url, request, started)
                    finally:  # a cut connection can look like any failure, and like a short body
                        guard.check()
                        if guard.timed_out:
                            raise TimeoutError


def _connection(
    scheme: str, host: str, port: int, sock: socket.socket, *, verify: bool
) -> http.client.HTTPConnection:
    """HTTP over a socket that is connected."""
    connection = http.client.HTTPConnection(host, port)
    if scheme == "https":
        context = ssl.create_default_context() if verify else _unverified()
        connection.default_port = 443  # what the Host header need not name
        sock = context.wrap_socket(sock, server_hostname=host)
    connection.sock = sock
    return connection


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _talk(
    connection: http.client.HTTPConnection, url: SplitResult, request: HttpRequest, started: float
) -> HttpResponse:
    path = quote((url.path or "/") + (f"?{url.query}" if url.query else ""), safe=_URL_BYTES)
    names = {name.lower() for name in request.headers}
    defaults = {"User-Agent": _USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
    headers = {k: v for k, v in defaults.items() if k.lower() not in names}
    connection.request(
        request.method, path, body=request.body, headers={**headers, **request.headers}
    )
    answer = connection.getresponse()
    body = _read(answer, request.max_bytes + 1)
    return HttpResponse(
        status=answer.status,
        headers=_headers(answer),
        body=body[: request.max_bytes],
        truncated=len(body) > request.max_bytes,
        seconds=time.monotonic() - started,
    )


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    """Names in lower case; values of a repeated one joined by commas."""
    headers: dict[str, str] = {}
    for name, value in answer.getheaders():
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    return headers


def _read(answer: http.client.HTTPResponse, limit: int) -> bytes:
    """At most ``limit`` bytes of the body; one that came compressed all the same is unpacked."""
    body = answer.read(limit)
    if answer.length and len(body) < limit:
        raise http.client.IncompleteRead(body, answer.length)
    if answer.getheader("content-encoding", "").lower() in ("gzip", "deflate"):
        with contextlib.suppress(zlib.error):  # else shown as it came
            return zlib.decompressobj(wbits=47).decompress(body, limit)
    return body


def _redirect(request: HttpRequest, response: HttpResponse) -> str | None:
    """Where to go on, if the answer says so, the request wants it and it is the same place."""
    location = response.headers.get("location")
    if not request.follow_redirects or response.status not in _REDIRECTS or not location:
        return None
    target = urljoin(request.url, location)
    if _place(target) != _place(request.url):
        raise HttpFailure(f"redirects to another place, {target}, which is not followed")
    return target


def _followed(request: HttpRequest, status: int, target: str) -> HttpRequest:
    keeps = status in (307, 308) or request.method in ("GET", "HEAD")
    change = {} if keeps else {"method": "GET", "body": None}
    return request.model_copy(update={"url": target, **change})


def _place(url: str) -> tuple[str, str, int | None]:
    parts = _split(url)
    default = 443 if parts.scheme == "https" else 80
    return parts.scheme, parts.hostname or "", parts.port or default


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is no number
    except ValueError as error:
        raise HttpFailure(f"{url} is not a URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HttpFailure(f"{url} is not an http(s) URL")
    return parts


@contextlib.contextmanager
def _plain_words(host: str, port: int, limit: float) -> Iterator[None]:
    """Turn what sockets and ``http.client`` raise into ``HttpFailure``."""
    at = f"{host}:{port}"
    try:
        yield
    except http.client.RemoteDisconnected as error:
        raise HttpFailure(f"{at} closed the connection without an answer", kind="absent") from error
    except ConnectionRefusedError as error:
        raise HttpFailure(f"nothing listens on {at} (connection refused)", kind="absent") from error
    except (ConnectionResetError, BrokenPipeError) as error:
        raise HttpFailure(f"{at} dropped the connection (reset)", kind="absent") from error
    except TimeoutError as error:
        raise HttpFailure(
            f"no complete answer from {at} within {limit:g} s", kind="timeout"
        ) from error
    except http.client.IncompleteRead as error:
        raise HttpFailure(f"{at} dropped the connection in the middle of the body") from error
    except http.client.HTTPException as error:
        raise HttpFailure(f"what answers on {at} does not speak HTTP") from error
    except ssl.SSLError as error:
        raise HttpFailure(f"no TLS connection to {at}: {error.reason}") from error
    except socket.gaierror as error:
        raise HttpFailure(f"the host name {host} cannot be resolved") from error
    except ValueError as error:
        raise HttpFailure(f"the request cannot be sent: {error}") from error
    except OSError as error:
        raise HttpFailure(
            f"{at} cannot be reached: {error.strerror or error}", kind="absent"
        ) from error


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    """What to try to bind: both families for ``""``, else what the name means."""
    if host in ("", "0.0.0.0"):  # noqa: S104 - asked about, not listened on
        return [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]  # noqa: S104
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return [(family, str(address[0])) for family, _, _, _, address in found]


def _can_bind(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address, port))
            return True
    except OSError as error:
        # A low port that only the engine may bind, or no IPv6 here: nothing that is in use.
        return error.errno != errno.EADDRINUSE
