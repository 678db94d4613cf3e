"""Requests with headers of our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.ports import Http
from pipeline.ports.http import HttpRequest, HttpResponse
from pipeline.scope import Scope


@dataclass(frozen=True)
class WithHeaders:
    """Implements ``pipeline.ports.Http``: every request carries ``headers``, too."""

    http: Http
    headers: Mapping[str, str]

    def request(self, request: HttpRequest, scope: Scope) -> HttpResponse:
        headers = {**request.headers, **self.headers}
        return self.http.request(request.model_copy(update={"headers": headers}), scope)

    def tcp(self, host: str, port: int, timeout: float) -> None:
        self.http.tcp(host, port, timeout)

    def tls(self, host: str, port: int, name: str, timeout: float) -> None:
        self.http.tls(host, port, name, timeout)

    def port_free(self, host: str, port: int) -> bool:
        return self.http.port_free(host, port)
