"""Asking until the answer is right, or cannot get right any more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pipeline.artifacts import App, SmokeResult
from pipeline.errors import DockcycleError, StageFailed, UsageError
from pipeline.kit.checks.models import BaseCheck, CompletedCheck
from pipeline.kit.checks.probe import CheckPorts, Probe
from pipeline.kit.checks.values import Values
from pipeline.kit.checks.verdicts import Attempt, Verdict
from pipeline.kit.listening import Diagnosis
from pipeline.kit.names import did_you_mean
from pipeline.kit.text import tail
from pipeline.ports import Clock, Engine
from pipeline.ports.engine import ContainerInfo
from pipeline.scope import Scope

FAIR = 0.1
"""Seconds that an attempt needs at least, to be worth while."""
FIRST_LOOK = 2.0
"""Seconds without any answer, after which the container is looked into; doubled each time."""
FIRST_PAUSE = 0.05
"""Seconds before the second attempt; doubled from one to the next, up to the interval."""
LOG_LINES = 50


@dataclass(frozen=True)
class Patience:
    """How long and how often to ask; seconds."""

    within: float = 60.0
    """For all checks together."""
    interval: float = 1.0
    """The longest pause between two attempts."""
    consecutive: int = 1
    """Right answers in a row that a harmless check needs."""
    once: bool = False
    """No second attempt at anything."""


USUAL = Patience()


def run_checks(
    checks: Sequence[BaseCheck], app: App, *, ports: CheckPorts, scope: Scope,
    patience: Patience = Patience(),
    expand: Callable[[str], str] = lambda text: text,
    report: Callable[[SmokeResult], None] = lambda result: None,
    progress: Callable[[str], None] = lambda message: None,
) -> tuple[SmokeResult, ...]:  # fmt: skip
    """Ask all checks in order, one after the other, of the containers of ``app``.

    ``expand`` resolves ``{secret:NAME}``, ``report`` takes each result as it comes, ``progress``
    what is being waited for.

    Raises:
        StageFailed: a check that is not advisory failed (later ones are not asked), or a container
            ended; ``detail`` has the last lines of its log.
        UsageError: a check names a service that the app does not have.
    """
    _know_services(checks, app)
    session = _Session(app, ports, scope, patience, expand, progress)
    results = []
    for check in checks:
        result, failure = session.settle(check)
        report(result)
        results.append(result)
        if failure is not None:
            raise failure
    return tuple(results)


def running_images(app: App, engine: Engine) -> dict[str, str]:
    """Service → id of the image that its container really has.

    Raises:
        StageFailed: a container is gone, or no longer runs.
    """
    images = {}
    for service, state in app.services.items():
        info = engine.inspect(state.container)
        if info is None:
            raise StageFailed(f"the container of {service} is gone")
        if not info.running and not (state.one_shot or info.exit_code == 0):
            raise StageFailed(f"the container of {service} {_how_it_ended(info)}")
        images[service] = info.image
    return images


@dataclass(frozen=True)
class _Asked:
    """How often a check was asked, the last attempt, and what ended the asking for good."""

    attempts: int
    last: Attempt
    death: StageFailed | None = None


class _Silence:
    """Finds out why nobody answers, while a check is asked again and again."""

    def __init__(self, probe: Probe, check: BaseCheck, clock: Clock) -> None:
        self._probe, self._check, self._clock = probe, check, clock
        self._began, self._pause = clock.monotonic(), FIRST_LOOK
        self._known: Diagnosis | None = None

    def explain(self, last: Attempt) -> Attempt:
        """The attempt with its reason. What two looks in a row call certain ends the asking."""
        if last.port is None:
            return last
        before = self._known
        if looks := self._clock.monotonic() - self._began >= self._pause:
            self._pause *= 2
            self._known = self._probe.diagnose(self._check, last.port)
        if self._known is None:
            return last
        sure = looks and self._known.certain and self._known == before
        return replace(
            last,
            verdict=Verdict.FINAL if sure else last.verdict,
            message=self._known.message,
            hint=self._known.hint,
        )


class _Session:
    def __init__(
        self, app: App, ports: CheckPorts, scope: Scope, patience: Patience,
        expand: Callable[[str], str], progress: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._app = app
        self._ports = ports
        self._scope = scope
        self._patience = patience
        self._progress = progress
        self._end = ports.clock.monotonic() + patience.within
        self._probe = Probe(app, ports, Values(expand), scope, self._left)
        for service, state in app.services.items():
            if (info := ports.engine.inspect(state.container)) is None:
                raise StageFailed(f"the container of {service} is gone")
            self._probe.first_seen[service] = (info, ports.clock.monotonic())

    def _left(self) -> float:
        return max(0.01, self._end - self._ports.clock.monotonic())

    def settle(self, check: BaseCheck) -> tuple[SmokeResult, StageFailed | None]:
        """The result of a check, and the failure that it means for the stage."""
        started = self._ports.clock.monotonic()
        asked = self._ask_until_settled(check)
        passed = asked.last.verdict is Verdict.PASSED
        result = SmokeResult(
            name=check.title,
            passed=passed,
            advisory=check.advisory,
            seconds=round(self._ports.clock.monotonic() - started, 3),
            attempts=asked.attempts,
            message=asked.last.message,
        )
        if asked.death is not None or passed or check.advisory:
            return result, asked.death
        return result, self._failure(check, asked.last, result)

    def _ask_until_settled(self, check: BaseCheck) -> _Asked:
        clock, pause = self._ports.clock, FIRST_PAUSE
        attempts, right, wrong_since, told, fair = 0, 0, math.inf, set[str](), FAIR
        silence = _Silence(self._probe, check, clock)
        while True:
            self._scope.check()
            begun = clock.monotonic()
            last = self._probe.ask(check)
            attempts += 1
            fair = max(fair, 2 * (clock.monotonic() - begun))
            if last.verdict is Verdict.PASSED:
                right += 1
                if right >= self._patience.consecutive or not check.harmless:
                    return _Asked(attempts, last)
                clock.sleep(self._patience.interval, self._scope)
                continue
            right, last = 0, silence.explain(last)
            if self._patience.once:
                return _Asked(attempts, last)
            if death := self._death(check):
                return _Asked(attempts, last, death)
            now, until = clock.monotonic(), self._end
            if last.verdict is Verdict.WRONG:
                wrong_since = min(wrong_since, now)
                until = min(until, wrong_since + check.patience)
            # One more attempt that is cut short would say less than the last one did.
            if last.verdict is Verdict.FINAL or now >= until or self._end - now < fair + 0.01:
                return _Asked(attempts, last)
            if last.message not in told:  # two may take turns
                told.add(last.message)
                self._progress(f"{check.title}: {last.message}")
            pauses = (last.pause or pause, until - now, self._end - now - fair)
            clock.sleep(min(pauses), self._scope)
            pause = min(2 * pause, self._patience.interval)

    def _failure(self, check: BaseCheck, attempt: Attempt, result: SmokeResult) -> StageFailed:
        tries = f"{result.attempts} attempts" if result.attempts > 1 else "one attempt"
        return StageFailed(
            f'check "{check.title}" failed: {attempt.message}; {tries} in {result.seconds:.1f} s',
            hint=attempt.hint,
            detail=self._log(self._probe.state(check).container),
        )

    def _death(self, check: BaseCheck) -> StageFailed | None:
        """A container that ended although it should not: then asking on is no use."""
        own = check.service or self._app.main
        for service, state in self._app.services.items():
            if state.one_shot or (service == own and isinstance(check, CompletedCheck)):
                continue
            info = self._ports.engine.inspect(state.container)
            restarts = self._probe.first_seen[service][0].restarts
            if info is None:
                how = "is gone"
            elif info.restarts > restarts or info.state == "restarting":
                how = f"keeps ending and restarting, last with exit code {info.exit_code}"
            elif info.state in ("exited", "dead") and (service == own or info.exit_code != 0):
                how = _how_it_ended(info)
            else:
                continue
            return StageFailed(
                f'the container of {service} {how}, seen at check "{check.title}"',
                hint="" if info is None or not info.oom_killed else "Give it more memory.",
                detail=self._log(state.container),
            )
        return None

    def _log(self, container: str) -> str:
        """The end of the container's log; nothing when it cannot be had."""
        try:
            scope = self._scope.child(5.0, what="reading the log")
            return tail(self._ports.engine.logs(container, tail=LOG_LINES, scope=scope), LOG_LINES)
        except DockcycleError:  # the failure that is being told matters more
            return ""


def _how_it_ended(info: ContainerInfo) -> str:
    why = f" ({info.error})" if info.error else ""
    if info.oom_killed:
        why = ", as it ran out of memory"
    return f"has exited with code {info.exit_code}{why}"


def _know_services(checks: Sequence[BaseCheck], app: App) -> None:
    for check in checks:
        service = check.service or app.main
        if service not in app.services:
            raise UsageError(
                f'check "{check.title}" asks service {service!r}, which the app does not have',
                hint=did_you_mean(service, app.services),
            )
