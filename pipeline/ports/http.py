"""HTTP and TCP towards the candidate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pipeline.artifacts import Frozen
from pipeline.scope import Scope


class HttpRequest(Frozen):
    method: str = "GET"
    url: str
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


class HttpFailure(Exception):
    """No answer: refused, reset, timed out, not HTTP. The message says which."""


class Http(Protocol):
    def request(self, request: HttpRequest, scope: Scope) -> HttpResponse:
        """Raises ``HttpFailure``, and what ``scope.check`` raises. Proxies are not used."""

    def tcp(self, host: str, port: int, timeout: float) -> None:
        """Open and close a connection; raises ``HttpFailure`` when that fails."""

    def port_free(self, host: str, port: int) -> bool:
        """Could this machine bind the port now?"""
