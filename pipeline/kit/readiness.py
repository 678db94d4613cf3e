"""Waiting for containers to be up, and saying why one is not.

Up means: healthy, if it has a health check; else running with its ports answering, or running for
``SETTLE`` seconds without ending. A one-shot is done when it has ended with 0.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.artifacts import Endpoint
from pipeline.errors import DeadlineExceeded, DockcycleError, StageFailed
from pipeline.kit.listening import listeners
from pipeline.kit.text import sanitize, tail
from pipeline.ports import Clock, Engine, Http
from pipeline.ports.engine import ContainerInfo
from pipeline.ports.http import HttpFailure
from pipeline.scope import Scope

SETTLE = 1.0
"""Seconds after which a running container without any sign of readiness counts as up."""
LOG_LINES = 50
HEALTH_WIDTH = 200
"""Characters of a health check's output that are told."""
RESTARTS = 5
"""Restarts by the engine (it doubles its pause from 0.1 s) after which a crash is no bad start."""
_POLL = 0.05
_POLL_SLOW = 0.25
_CONNECT = 0.5
_LOG_SECONDS = 5.0
_EXIT_HINTS = {
    125: "The engine could not start it: see the message above.",
    126: "Its command is there but cannot be executed: is the file's executable bit set?",
    127: "Its command was not found: check `command:` and `entrypoint:`, or CMD of the Dockerfile.",
    139: "It crashed with a segmentation fault.",
    143: "Something asked it to stop (SIGTERM).",
}


@dataclass(frozen=True)
class Expected:
    """A container that should come up."""

    container: str
    """Id or name."""
    service: str
    may_end: bool = False
    """A one-shot: ending with 0 is what it is for."""
    memory: int | None = None
    """Its limit in bytes, for messages."""
    endpoints: Callable[[ContainerInfo], Iterable[Endpoint]] = lambda _info: ()
    """Where its ports answer once it listens."""


@dataclass
class Waiting:
    """Watches containers over the ports; one object for one wait."""

    engine: Engine
    http: Http
    clock: Clock
    settle: float = SETTLE
    _since: dict[str, float] = field(default_factory=dict)

    def until_up(
        self, expected: Sequence[Expected], scope: Scope, progress: Callable[[str], None]
    ) -> dict[str, ContainerInfo]:
        """Wait until all are up at once; their state by the container's name in ``expected``.

        Raises:
            StageFailed: one ended, is unhealthy or is gone; ``detail`` has its last log lines.
            DeadlineExceeded: the scope ended first; says which are not up, and why.
        """
        started = self.clock.monotonic()
        told: tuple[str, ...] = ()
        while True:
            states = {one.container: self._state(one) for one in expected}
            waiting = tuple(
                f"{one.service} ({reason})"
                for one in expected
                if (reason := self._lacks(one, states[one.container]))
            )
            if not waiting:
                return states
            if waiting != told:
                progress(f"waiting for {', '.join(waiting)}")
                told = waiting
            self._pause(started, expected, states, scope)

    def _pause(
        self, started: float, expected: Sequence[Expected], states: dict[str, ContainerInfo],
        scope: Scope,
    ) -> None:  # fmt: skip
        quick = self.clock.monotonic() - started < 5
        try:
            self.clock.sleep(_POLL if quick else _POLL_SLOW, scope)
        except DeadlineExceeded as error:
            late = next(one for one in expected if self._lacks(one, states[one.container]))
            raise _late(self.engine, late, states[late.container], error) from error

    def _state(self, one: Expected) -> ContainerInfo:
        """The container as it is, if there is still hope for it."""
        info = self.engine.inspect(one.container)
        if info is None or info.state == "removing":
            raise StageFailed(
                f"the container of {one.service} was removed by somebody else",
                hint="Is another tool cleaning up on this engine?",
            )
        if (error := failure(self.engine, info, one.service, one.may_end, one.memory)) is not None:
            raise error
        return info

    def _lacks(self, one: Expected, info: ContainerInfo) -> str:
        """What is missing until it is up; empty when it is."""
        if info.state == "exited":
            return ""  # a one-shot that ended well: anything else has been raised
        if info.state != "running":
            return info.state
        if info.health != "none":
            said = _last_line(info.health_said)
            why = f": {said}" if said else ""
            return "" if info.health == "healthy" else f"not healthy yet{why}"
        first = self._since.setdefault(f"{info.id}@{info.started}", self.clock.monotonic())
        if self.clock.monotonic() - first >= self.settle or self._answers(one, info):
            return ""
        return "starting"

    def _answers(self, one: Expected, info: ContainerInfo) -> bool:
        return any(self._open(address) for address in one.endpoints(info))

    def _open(self, address: Endpoint) -> bool:
        try:
            self.http.tcp(address.host, address.port, _CONNECT)
        except HttpFailure:
            return False
        return True


def failure(
    engine: Engine, info: ContainerInfo, service: str, may_end: bool = False,
    memory: int | None = None,
) -> StageFailed | None:  # fmt: skip
    """Why the container cannot be what it should be any more; None while there is hope.

    The error's ``detail`` has the last lines of its log. For the smoke stage too, which asks
    between its attempts.
    """
    if info.state == "exited" and may_end and info.exit_code == 0:
        return None
    if info.state == "created" and info.error:
        message, hint = f"{service} could not be started: {info.error}", ""
    elif info.state in ("exited", "dead") or _gives_up(info):
        message, hint = _ended(info, service, may_end, memory)
    elif info.running and info.health == "unhealthy":  # Docker calls a stopped one so too
        message = f"{service} is unhealthy: its health check keeps failing{_said(info)}"
        hint = _unhealthy_hint(engine, info)
    else:
        return None
    return StageFailed(message, hint=hint, detail=last_lines(engine, info.id))


def _said(info: ContainerInfo) -> str:
    """What the last health check had to say, for the end of a message."""
    said = _last_line(info.health_said)
    return f": {said}" if said else " and says nothing"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return sanitize(lines[-1].strip())[:HEALTH_WIDTH] if lines else ""


def _unhealthy_hint(engine: Engine, info: ContainerInfo) -> str:
    found = listeners(engine, info.id, Scope(_LOG_SECONDS, what="looking where the app listens"))
    where = f"listens on {', '.join(map(str, found))}" if found else "listens on no port"
    hint = "The check is `healthcheck:`, or HEALTHCHECK of the Dockerfile."
    return hint if found is None else f"The app {where}. {hint}"


def _gives_up(info: ContainerInfo) -> bool:
    return info.state == "restarting" and info.restarts >= RESTARTS


def _ended(info: ContainerInfo, service: str, may_end: bool, memory: int | None) -> tuple[str, str]:
    code = info.exit_code if info.exit_code is not None else -1
    after = _after(info)
    if info.oom_killed:
        limit = f" of {memory / 2**20:.0f} MiB" if memory else ""
        return (
            f"{service} used more memory than its limit{limit} and was killed{after}",
            "Raise `memory:`, or find out what needs so much.",
        )
    if info.error:
        return f"{service} could not be started: {info.error}", _EXIT_HINTS.get(code, "")
    again = f", {info.restarts + 1} times in a row" if info.restarts else ""
    message = f"{service} ended{after} with exit code {code}{again}"
    if code == 137:
        return message, "It was killed (SIGKILL), and not by its memory limit."
    if code == 0 and not may_end:
        return message, "It should keep running: is its command a server in the foreground?"
    return message, _EXIT_HINTS.get(code, "")


def _after(info: ContainerInfo) -> str:
    """`` after 0.4 s``, from the engine's own clock; empty when it does not say."""
    with contextlib.suppress(ValueError):
        started, finished = _instant(info.started), _instant(info.finished)
        seconds = (finished - started).total_seconds()
        if 0 <= seconds < 86400:
            return f" after {seconds:.1f} s"
    return ""


def _instant(text: str) -> datetime:
    """An engine's time stamp; it may have nanoseconds, which Python does not read."""
    head, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{head}.{fraction[:6] or '0'}+00:00")


def last_lines(engine: Engine, container: str, lines: int = LOG_LINES) -> str:
    """The end of a container's log, as far as it can be had in a few seconds."""
    with contextlib.suppress(DockcycleError):
        scope = Scope(_LOG_SECONDS, what="reading a log")
        return tail(engine.logs(container, tail=lines, scope=scope), lines)
    return ""


def _late(
    engine: Engine, one: Expected, info: ContainerInfo, error: DeadlineExceeded
) -> DeadlineExceeded:
    state: str = info.state
    hint = "Raise `start_timeout:` if it needs longer."
    if info.health != "none":
        state += f", health check {info.health}{_said(info)}"
        hint += f" {_unhealthy_hint(engine, info)}"
    return DeadlineExceeded(
        f"{one.service} is not up in time ({state}): {error.message}",
        hint=hint,
        detail=last_lines(engine, info.id),
    )
