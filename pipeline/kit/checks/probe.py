"""Asking once: one attempt at a check, and what its outcome means for trying again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from pipeline.artifacts import App, Endpoint, ServiceState
from pipeline.errors import DeadlineExceeded, EngineRefused
from pipeline.kit.checks.answers import Unexpected, excerpt, judge, matches, shown
from pipeline.kit.checks.models import (
    BaseCheck,
    CompletedCheck,
    ExecCheck,
    HealthyCheck,
    HttpCheck,
    LogCheck,
    RunningCheck,
    TcpCheck,
)
from pipeline.kit.checks.values import Values
from pipeline.kit.checks.verdicts import PASSED, Attempt, Verdict
from pipeline.kit.listening import Diagnosis, diagnose, listeners
from pipeline.ports import Clock, Engine, Http
from pipeline.ports.engine import ContainerInfo
from pipeline.ports.http import HttpFailure, HttpRequest
from pipeline.scope import Scope

ANSWER_LIMIT = 10.0
"""Seconds for one answer when a check sets no limit of its own."""
_GRACE = 1.0
"""Seconds beyond a check's limit, to be able to say how long the answer took."""
_STARTING = {502, 503, 504}
"""Statuses of an app that is there but not ready."""


class CheckPorts(Protocol):
    """The ports that checks ask through; ``pipeline.stage.Ports`` is one."""

    @property
    def engine(self) -> Engine: ...
    @property
    def http(self) -> Http: ...
    @property
    def clock(self) -> Clock: ...


class _NoWay(Exception):
    """The check cannot be asked at all."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass
class Probe:
    """Asks the containers of one app. Requests only ever go to their own addresses."""

    app: App
    ports: CheckPorts
    values: Values
    scope: Scope
    left: Callable[[], float]
    """Seconds until all checks must be over."""
    first_seen: dict[str, tuple[ContainerInfo, float]] = field(default_factory=dict)
    """Service → its container when the checks began, and when that was (monotonic)."""
    _answered: set[Endpoint] = field(default_factory=set)

    def ask(self, check: BaseCheck) -> Attempt:
        """One attempt.

        Raises:
            EngineUnavailable, Cancelled: as they come.
        """
        try:
            match check:
                case HttpCheck():
                    return self._http(check)
                case ExecCheck():
                    return self._exec(check)
                case TcpCheck():
                    return self._tcp(check)
                case LogCheck():
                    return self._log(check)
                case RunningCheck():
                    return self._running(check)
                case CompletedCheck():
                    return _completed(self._container(check))
                case HealthyCheck():
                    return _healthy(self._container(check))
        except _NoWay as error:
            return Attempt(Verdict.FINAL, str(error), error.hint)
        raise TypeError(f"no way to ask a {type(check).__name__}")

    def state(self, check: BaseCheck) -> ServiceState:
        return self.app.services[check.service or self.app.main]

    # HTTP and TCP

    def _http(self, check: HttpCheck) -> Attempt:
        endpoint = self._endpoint(check, check.port)
        request = self._request(check, endpoint)
        asked = f"{request.method} {request.url}"
        try:
            response = self.ports.http.request(request, self.scope)
        except HttpFailure as failure:
            return self._no_answer(check, endpoint, failure, asked)
        self._answered.add(endpoint)
        try:
            judge(check, response, self.values)
        except Unexpected as error:
            starting = check.harmless and response.status in _STARTING
            verdict = Verdict.NOT_YET if starting else Verdict.WRONG
            return Attempt(verdict, f"{error} ({asked})")
        return PASSED

    def _request(self, check: HttpCheck, endpoint: Endpoint) -> HttpRequest:
        limit = check.expect.within
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        try:
            path = self.values.path(check.path)
        except ValueError as error:
            raise _NoWay(str(error)) from None
        body, kind = self._body(check)
        headers = {name: self.values.text(value) for name, value in check.headers.items()}
        if kind and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = kind
        return HttpRequest(
            method=check.method.upper(),
            url=f"{endpoint.site or f'http://{host}:{endpoint.port}'}{path}",
            at=endpoint.host if endpoint.site else "",
            headers=headers,
            body=body,
            timeout=min(self.left(), ANSWER_LIMIT if limit is None else limit + _GRACE),
            follow_redirects=check.follow_redirects,
        )

    def _body(self, check: HttpCheck) -> tuple[bytes | None, str]:
        """The request's body and its media type."""
        if "json_body" in check.model_fields_set:
            return json.dumps(self.values.data(check.json_body)).encode(), "application/json"
        if check.form is not None:
            fields = {name: self.values.text(value) for name, value in check.form.items()}
            return urlencode(fields).encode(), "application/x-www-form-urlencoded"
        if check.body is not None:
            return self.values.text(check.body).encode(), "text/plain; charset=utf-8"
        return None, ""

    def _no_answer(
        self, check: HttpCheck, endpoint: Endpoint, failure: HttpFailure, asked: str
    ) -> Attempt:
        message = f"{failure} ({asked})"
        if failure.kind == "timeout" and check.expect.within is not None:
            message = f"expected an answer within {check.expect.within:g} s, none came ({asked})"
        if failure.kind == "absent":
            # A request that changes something is sent twice only if nobody can have taken it.
            again = check.harmless or endpoint not in self._answered
            verdict = Verdict.NOT_YET if again else Verdict.WRONG
            return Attempt(verdict, message, _LISTEN, port=self._inside(check, endpoint))
        return Attempt(Verdict.WRONG, message, _NOT_HTTP if failure.kind == "broken" else "")

    def _tcp(self, check: TcpCheck) -> Attempt:
        endpoint = self._endpoint(check, check.tcp)
        try:
            self.ports.http.tcp(endpoint.host, endpoint.port, min(self.left(), ANSWER_LIMIT))
        except HttpFailure as failure:
            return Attempt(Verdict.NOT_YET, str(failure), _LISTEN, port=check.tcp)
        return PASSED

    def _endpoint(self, check: BaseCheck, port: int | None) -> Endpoint:
        """Where the port is reached: as published, else at the container's own address."""
        state, service = self.state(check), check.service or self.app.main
        if port is None:
            if not state.endpoints:
                raise _NoWay(
                    f"service {service} publishes no port",
                    "Name the container port by `port:`, or use exec, log, healthy or running.",
                )
            return _main_endpoint(state, self.app.url)
        if port in state.endpoints:
            return state.endpoints[port]
        addresses = [address for address in self._container(check).addresses.values() if address]
        if not addresses:
            raise _NoWay(
                f"port {port} of service {service} is not reachable: the container does not "
                "publish it and has no address of its own",
                "Publish the port in `run:` or in the Compose file.",
            )
        return Endpoint(host=addresses[0], port=port)

    def _inside(self, check: BaseCheck, endpoint: Endpoint) -> int:
        """The container port behind an endpoint."""
        known = self.state(check).endpoints.items()
        return next((port for port, reached in known if reached == endpoint), endpoint.port)

    def diagnose(self, check: BaseCheck, port: int) -> Diagnosis | None:
        """Why nobody answers on a container port, as far as the container shows it."""
        found = listeners(self.ports.engine, self.state(check).container, self.scope)
        return diagnose(found or (), port)

    # the container itself

    def _container(self, check: BaseCheck) -> ContainerInfo:
        info = self.ports.engine.inspect(self.state(check).container)
        if info is None:
            raise _NoWay(f"the container of {check.service or self.app.main} is gone")
        return info

    def _exec(self, check: ExecCheck) -> Attempt:
        expect, limit = check.expect, min(self.left(), check.expect.within or ANSWER_LIMIT)
        argv = [self.values.text(word) for word in check.exec]
        try:
            result = self.ports.engine.exec(
                self.state(check).container, argv, self.scope.child(limit, what=check.title)
            )
        except DeadlineExceeded:
            self.scope.check()  # the run's own end is not the command's fault
            return Attempt(Verdict.WRONG, f"the command did not end within {limit:g} s")
        except EngineRefused as error:
            return Attempt(Verdict.WRONG, error.message)
        said = excerpt(result.output)
        if result.exit_code != expect.exit_code:
            return Attempt(
                Verdict.WRONG,
                f"expected exit code {expect.exit_code}, got {result.exit_code}: {said}",
            )
        if expect.output is not None and not matches(expect.output, result.output, self.values):
            wanted = shown(expect.output, self.values)
            return Attempt(Verdict.WRONG, f"expected output with {wanted}, got {said}")
        return PASSED

    def _log(self, check: LogCheck) -> Attempt:
        limit = min(self.left(), ANSWER_LIMIT)
        try:
            lines = self.ports.engine.logs(
                self.state(check).container, scope=self.scope.child(limit, what=check.title)
            )
            if any(matches(check.log, line, self.values) for line in lines):
                return PASSED
        except DeadlineExceeded:
            self.scope.check()
        return Attempt(
            Verdict.NOT_YET, f"expected a log line with {shown(check.log, self.values)}, got none"
        )

    def _running(self, check: RunningCheck) -> Attempt:
        info = self._container(check)
        before, since = self.first_seen[check.service or self.app.main]
        if not info.running or info.started != before.started:
            return Attempt(Verdict.FINAL, f"expected it to stay up, it is {info.state}")
        up = self.ports.clock.monotonic() - since
        if up < check.running:
            message = f"it is up for {up:.1f} s of {check.running:g} s"
            return Attempt(Verdict.NOT_YET, message, pause=check.running - up)
        return PASSED


_LISTEN = "Inside its container the app must listen on 0.0.0.0, not on 127.0.0.1."
_NOT_HTTP = "For a port that does not speak HTTP use the check `tcp: PORT`."


def _main_endpoint(state: ServiceState, url: str) -> Endpoint:
    """The endpoint that the app's URL names, else the first one."""
    port = urlsplit(url).port
    named = (endpoint for endpoint in state.endpoints.values() if endpoint.port == port)
    return next(named, next(iter(state.endpoints.values())))


def _completed(info: ContainerInfo) -> Attempt:
    if info.state not in ("exited", "dead"):
        return Attempt(Verdict.NOT_YET, f"expected it to end, it is {info.state}")
    if info.exit_code != 0:
        return Attempt(Verdict.FINAL, f"expected exit code 0, got {info.exit_code}")
    return PASSED


def _healthy(info: ContainerInfo) -> Attempt:
    match info.health:
        case "healthy":
            return PASSED
        case "none":
            return Attempt(
                Verdict.FINAL, "the container has no health check",
                "Add HEALTHCHECK to the Dockerfile, or `health:` to `run:`.",
            )  # fmt: skip
        case "starting":
            return Attempt(Verdict.NOT_YET, "Docker's health check is still starting")
    return Attempt(Verdict.WRONG, "Docker's health check says unhealthy")
