"""The rest of the world around a fake engine: HTTP to its containers, its registries, time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from pipeline.adapters.docker.errors import registry_error
from pipeline.adapters.fake.state import FakeContainer, State, full
from pipeline.kit import references
from pipeline.kit.front.caddy import TRY_HEADER
from pipeline.kit.front.plan import CONFIG, FOLDER
from pipeline.kit.gate.caddy import CONFIG as GATE
from pipeline.kit.gate.caddy import FOLDER as ENTRIES
from pipeline.kit.gate.caddy import domain_of
from pipeline.ports.http import HttpFailure, HttpRequest, HttpResponse
from pipeline.ports.registry import Auth, Manifest
from pipeline.scope import Scope


class FakeHttp:
    """Implements ``pipeline.ports.Http``: published ports lead to the programs of containers."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.requests: list[HttpRequest] = []

    def request(self, request: HttpRequest, scope: Scope) -> HttpResponse:
        scope.check()
        self.requests.append(request)
        url = urlsplit(request.url)
        container = self._behind(url.port or (443 if url.scheme == "https" else 80))
        if container is not None and GATE in container.files:
            container = self._led(container, url.hostname or "")
        if container is not None and CONFIG in container.files:
            container = self._passed_on(container, request)
            if container is None:
                return HttpResponse(status=502, headers={}, body=b"", seconds=0.01)
        answer = container.program.answer if container else None
        if answer is None:
            raise HttpFailure(f"nothing listens on {url.netloc}", kind="absent")
        response = answer if isinstance(answer, HttpResponse) else answer(request)
        if response.seconds > request.timeout:
            raise HttpFailure(f"no answer within {request.timeout:g} s", kind="timeout")
        return response

    def tcp(self, host: str, port: int, timeout: float) -> None:
        container = self._behind(port)
        silent = container is None or container.program.answer is None
        if silent and not (container and {CONFIG, GATE} & set(container.files)):
            raise HttpFailure(f"nothing listens on {host}:{port}", kind="absent")

    def tls(self, host: str, port: int, name: str, timeout: float) -> None:
        self.tcp(host, port, timeout)

    def port_free(self, host: str, port: int) -> bool:
        return self._behind(port) is None and port not in self._state.port_taken

    def answering(self, port: int) -> FakeContainer | None:
        """The container that requests to a host port come to in the end."""
        container = self._behind(port)
        if container is None or CONFIG not in container.files:
            return container
        return self._passed_on(container, HttpRequest(url=""))

    def _led(self, gate: FakeContainer, domain: str) -> FakeContainer | None:
        """The front that a gate leads a domain to."""
        names = [path.rpartition("/")[2] for path in gate.files if path.startswith(f"{ENTRIES}/")]
        to = next((re.split("[@=:]", name)[1] for name in names if domain_of(name) == domain), "")
        return next((c for c in self._state.containers.values() if c.name == to), None)

    def _passed_on(self, front: FakeContainer, request: HttpRequest) -> FakeContainer | None:
        """Where a front passes the request on to, if that runs."""
        tried = request.headers.get(TRY_HEADER, "").removeprefix(f"{front.id}/")
        live = [path.rpartition("/")[2] for path in front.files if path.startswith(f"{FOLDER}/")]
        for container in self._state.containers.values():
            if container.running and container.name in ([tried] if tried else live):
                return container
        return None

    def _behind(self, port: int) -> FakeContainer | None:
        with self._state.lock:
            for container in self._state.containers.values():
                if any(bound.host_port == port for bound in container.ports):
                    return container
        return None


class FakeRegistry:
    """Implements ``pipeline.ports.Registry`` over what was pushed to the engine's registries."""

    def __init__(self, state: State) -> None:
        self._state = state

    def manifest(self, ref: str, auth: Auth | None, scope: Scope) -> Manifest | None:
        scope.check()
        parsed = references.parse(ref)
        with self._state.lock:
            self._state.enter("manifest")
            wanted = self._state.registries.get(parsed.host)
            if wanted is not None and auth is None:
                raise registry_error(ref, "unauthorized")
            if parsed.digest:
                found = [r for r in self._state.remote.values() if r.digest == parsed.digest]
            else:
                found = [r for name, r in self._state.remote.items() if name == full(ref)]
            if not found:
                return None
            return Manifest(digest=found[0].digest, config=found[0].image.id)

    def ping(self, host: str, scope: Scope) -> bool:
        scope.check()
        with self._state.lock:
            self._state.enter("ping")
            bound = (p for c in self._state.containers.values() for p in c.ports)
            serves = any(host.endswith(f":{port.host_port}") for port in bound)
            return serves or host in self._state.registries


class FakeClock:
    """Implements ``pipeline.ports.Clock``: sleeping takes no time, and the time has passed."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self.seconds = 0.0
        """That were slept so far."""

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float, scope: Scope) -> None:
        scope.check()
        self.seconds += seconds
