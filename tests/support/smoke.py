"""A candidate on paper: a clock that jumps, HTTP by script, containers as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from pipeline.artifacts import App, Endpoint, ServiceState
from pipeline.ports.engine import ContainerInfo, ExecResult
from pipeline.ports.http import HttpFailure, HttpRequest, HttpResponse
from pipeline.scope import Scope

REFUSED = HttpFailure("nothing listens on 127.0.0.1:32768 (connection refused)", kind="absent")


class JumpingClock:
    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float, scope: Scope) -> None:
        scope.check()
        self.slept.append(seconds)
        self.seconds += seconds


Answer = HttpResponse | HttpFailure | Callable[[HttpRequest], HttpResponse]


def answer(
    status: int = 200, body: str | bytes = b"", *, seconds: float = 0.01, truncated: bool = False,
    **headers: str,
) -> HttpResponse:  # fmt: skip
    return HttpResponse(
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=body.encode() if isinstance(body, str) else body,
        seconds=seconds,
        truncated=truncated,
    )


@dataclass
class ScriptedHttp:
    """Answers by path: the next of the list, the last one for ever."""

    clock: JumpingClock
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[HttpRequest] = field(default_factory=list)
    connected: list[tuple[str, int]] = field(default_factory=list)
    closed_ports: set[int] = field(default_factory=set)

    def request(self, request: HttpRequest, scope: Scope) -> HttpResponse:
        self.requests.append(request)
        parts = urlsplit(request.url)
        script = self.answers[parts.path + (f"?{parts.query}" if parts.query else "")]
        given = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(given, HttpFailure):
            raise given
        response = given if isinstance(given, HttpResponse) else given(request)
        self.clock.seconds += response.seconds
        return response

    def tcp(self, host: str, port: int, timeout: float) -> None:
        self.connected.append((host, port))
        if port in self.closed_ports:
            raise HttpFailure(f"nothing listens on {host}:{port}", kind="absent")

    def tls(self, host: str, port: int, name: str, timeout: float) -> None:
        self.tcp(host, port, timeout)

    def port_free(self, host: str, port: int) -> bool:
        return True


@dataclass
class Containers:
    """The engine as far as checks use it. ``changes`` are applied as time passes."""

    clock: JumpingClock
    infos: dict[str, ContainerInfo]
    lines: dict[str, list[str]] = field(default_factory=dict)
    commands: dict[tuple[str, ...], list[ExecResult]] = field(default_factory=dict)
    changes: list[tuple[float, str, Mapping[str, Any]]] = field(default_factory=list)
    """Seconds from the beginning, container, fields."""
    sockets: str = ""
    """What /proc/net/tcp of a container says."""
    looks: int = 0

    def inspect(self, container: str) -> ContainerInfo | None:
        for at, name, fields in self.changes:
            if self.clock.seconds >= 1000.0 + at and name in self.infos:
                self.infos[name] = self.infos[name].model_copy(update=dict(fields))
        return self.infos.get(container)

    def logs(
        self, container: str, *, tail: int | None = None, follow: bool = False,
        since: float | None = None, scope: Scope,
    ) -> Iterator[str]:  # fmt: skip
        lines = self.lines.get(container, [])
        return iter(lines[-tail:] if tail else lines)

    def exec(self, container: str, argv: Sequence[str], scope: Scope) -> ExecResult:
        if argv[0] == "cat":  # where it listens
            self.looks += 1
            return ExecResult(exit_code=0, output=self.sockets)
        script = self.commands[tuple(argv)]
        return script.pop(0) if len(script) > 1 else script[0]


def container(service: str, **fields: Any) -> ContainerInfo:
    return ContainerInfo(
        **{"id": f"c-{service}", "name": service, "image": f"sha256:{service}", "state": "running",
           "started": "t0", **fields}
    )  # fmt: skip


class World:
    """An app of some services, the main one at 127.0.0.1:32768; implements ``CheckPorts``."""

    def __init__(self, *services: str, main: str = "app") -> None:
        names = services or ("app",)
        self.clock = JumpingClock()
        self.http = ScriptedHttp(self.clock)
        self.engine: Any = Containers(self.clock, {f"c-{name}": container(name) for name in names})
        self.app = App(
            kind="container" if names == ("app",) else "compose",
            services={name: self._state(name, 32768 + i) for i, name in enumerate(names)},
            spec={},
            main=main,
            url="http://localhost:32768",
        )

    def _state(self, name: str, port: int) -> ServiceState:
        return ServiceState(
            container=f"c-{name}", name=name, image=f"sha256:{name}",
            endpoints={8000: Endpoint(host="127.0.0.1", port=port)},
        )  # fmt: skip

    def answers(self, path: str, *script: Answer) -> None:
        self.http.answers[path] = list(script)

    def change(self, service: str, **fields: Any) -> None:
        """Other facts about a service, in the app's evidence."""
        services = dict(self.app.services)
        services[service] = services[service].model_copy(update=fields)
        self.app = self.app.model_copy(update={"services": services})
