"""HTTP and TCP towards the candidate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from pipeline.artifacts import Frozen
from pipeline.scope import Scope


class HttpRequest(Frozen):
    method: str = "GET"
    url: str
    at: str = ""
    """Host to connect to, whatever the name in the URL means. Who signed its certificate is not
    asked then."""
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    timeout: float = 5.0
    """Seconds for the whole exchange."""
    follow_redirects: bool = False
    """Only ever within the same host and port."""
    max_bytes: int = 1_048_576
    """The rest of a longer body is not read."""


class HttpResponse(Frozen):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    truncated: bool = False
    seconds: float
    """From sending to the last byte read."""


FailureKind = Literal["absent", "timeout", "broken"]


class HttpFailure(Exception):
    """No answer: refused, reset, timed out, not HTTP. The message says which.

    ``kind`` is ``absent`` when it looks as if nobody listens there (yet): refused, or closed before
    a byte of an answer, which is what the engine's port forwarder does then.
    """

    def __init__(self, message: str, *, kind: FailureKind = "broken") -> None:
        super().__init__(message)
        self.kind = kind


class Http(Protocol):
    def request(self, request: HttpRequest, scope: Scope) -> HttpResponse:
        """Raises ``HttpFailure``, and what ``scope.check`` raises. Proxies are not used."""

    def tcp(self, host: str, port: int, timeout: float) -> None:
        """Open a connection, see that it stays open for a moment (the engine's port forwarder
        accepts even when nobody listens behind it), and close it.

        Raises:
            HttpFailure: it cannot be opened, or is closed at once.
        """

    def tls(self, host: str, port: int, name: str, timeout: float) -> None:
        """Make a TLS connection, as one that wants ``name``, and close it. Who signed the
        certificate is not asked.

        Raises:
            HttpFailure: there is none.
        """

    def port_free(self, host: str, port: int) -> bool:
        """Could this machine bind the port now?"""
