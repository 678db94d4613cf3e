"""Carries out a plan. It holds no decisions: which stages run was decided before."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from pipeline.errors import Cancelled, StoreUnusable
from pipeline.events import (
    Event,
    Notice,
    RunFinished,
    RunStarted,
    Serving,
    StageFinished,
    StageStatus,
)
from pipeline.planner import Plan, Step
from pipeline.runner import teardown
from pipeline.runner.bus import EventBus
from pipeline.runner.masking import Masker
from pipeline.runner.outcome import RunResult, StageOutcome, exit_code, highlights, run_status
from pipeline.runner.work import Work
from pipeline.scope import Scope
from pipeline.stage import Context, Evidence
from pipeline.store import Store

HANG_GRACE = 8.0
"""Seconds that a stage gets to end after its scope has; then the run goes on without it."""
INTERRUPTED_GRACE = 5.0
"""The same after an interruption."""
PREFLIGHT_SECONDS = 30.0
TICK = 0.1
"""Seconds between two looks of the waiting main thread at deadlines and signals."""

MakeContext = Callable[[str, Evidence, Scope, Callable[[Event], None]], Context]
Standing = Callable[[Exception], Serving | None]
"""Says what serves after a run that ended with that error; does not raise."""

Telling = Callable[[RunResult, Serving | None], Iterable[Notice]]
"""Tells others how a run ended, and gives what is to be said of that; does not raise."""


@dataclass(frozen=True)
class Identity:
    """What a run is called in the record."""

    run: str
    project: str
    file: str
    trigger: str
    pid: int


class Runner:
    """Runs one plan once."""

    def __init__(
        self,
        identity: Identity,
        plan: Plan,
        *,
        store: Store,
        bus: EventBus,
        masker: Masker,
        context: MakeContext,
        scope: Scope,
        sequential: bool = False,
        standing: Standing = lambda error: None,
        telling: Telling = lambda result, serving: (),
    ) -> None:
        self._identity = identity
        self._plan = plan
        self._store = store
        self._bus = bus
        self._masker = masker
        self._make_context = context
        self._scope = scope
        self._sequential = sequential
        self._standing = standing
        self._telling = telling
        self._ended: queue.Queue[StageOutcome] = queue.Queue()
        self._works: list[Work] = []
        self._outcomes: dict[str, StageOutcome] = {}
        self._evidence = Evidence()
        self._error: Exception | None = None
        self._overdue: dict[str, float] = {}
        self._cancelled = 0.0
        scope.on_cancel(self._note_cancelled)

    def run(self) -> RunResult:
        """Run the stages, tidy up, record and tell how it ended. Does not raise for a failure."""
        start = time.monotonic()
        who = self._identity
        self._store.begin(who.run, who.project, who.file, who.trigger, who.pid, self._plan.lines())
        self._emit(
            RunStarted(
                project=who.project, file=who.file, trigger=who.trigger, stages=self._plan.lines()
            )
        )
        self._preflight()
        self._stages()
        for stage in self._tidy():
            self._note_untidy(stage)
        return self._conclude(time.monotonic() - start)

    def _preflight(self) -> None:
        """What is certain to fail fails before anything is done."""
        scope = self._scope.child(PREFLIGHT_SECONDS, what="looking ahead")
        for step in self._plan.steps:
            if step.action != "run" or step.entry.allow_failure:
                continue
            started = time.time()
            try:
                step.stage.preflight(self._make_context(step.key, Evidence(), scope, self._emit))
            except Exception as error:  # noqa: BLE001 - the stage's edge: becomes its outcome
                seconds = time.time() - started
                self._ended_as(StageOutcome(step, "failed", started, seconds, error=error))
                return

    def _stages(self) -> None:
        pending = list(self._plan.steps)
        while pending or self._active():
            if self._error is not None:
                pending.clear()
            for step in self._ready(pending):
                pending.remove(step)
                self._begin(step)
            self._collect(TICK if self._active() else 0)
        for step in self._plan.steps:
            if step.key not in self._outcomes:
                self._ended_as(StageOutcome(step, "skipped", time.time(), reason="not reached"))

    def _tidy(self) -> list[str]:
        """Keys of the stages that could not."""
        if self._error is None:
            return teardown.finish(self._works, self._emit)
        since = self._cancelled if isinstance(self._error, Cancelled) else None
        return teardown.clean_up(self._works, self._emit, interrupted=since)

    def _note_cancelled(self) -> None:
        self._cancelled = time.monotonic()

    def _active(self) -> list[Work]:
        return [work for work in self._works if work.step.key not in self._outcomes]

    def _ready(self, pending: Sequence[Step]) -> list[Step]:
        """The steps whose turn it is. See ``Stage`` for the rule."""
        return [step for step in pending if not self._blockers(step)]

    def _blockers(self, step: Step) -> list[Step]:
        inputs = step.stage.needs | step.stage.wants
        all_before = self._sequential or step.stage.releases or not inputs
        earlier = self._plan.steps[: self._plan.steps.index(step)]
        return [
            other
            for other in earlier
            if other.key not in self._outcomes and (all_before or other.stage.makes & inputs)
        ]

    def _begin(self, step: Step) -> None:
        if step.action == "run":
            absent = [kind for kind in step.stage.needs if kind not in self._evidence]
            if absent:
                why = f"needs {absent[0].__name__}, which was not made"
                self._ended_as(StageOutcome(step, "skipped", time.time(), reason=why))
                return
            seconds = step.entry.timeout or step.stage.default_timeout
            scope = self._scope.child(seconds, what=f"stage {step.key}")
            evidence = Evidence(self._evidence)
            context = self._make_context(step.key, evidence, scope, self._emit)
            work = Work(step, context, self._ended.put)
            self._works.append(work)
            work.start()
            return
        status: StageStatus = "reused" if step.action == "reuse" else "skipped"
        previous = step.previous
        self._ended_as(
            StageOutcome(
                step,
                status,
                time.time(),
                artifacts=step.artifacts,
                fingerprint=previous.fingerprint if previous else None,
                reason=step.reason,
            )
        )

    def _collect(self, timeout: float) -> None:
        """Take outcomes that have come in; enforce deadlines; give up on a stage that hangs."""
        try:
            outcome = self._ended.get(timeout=timeout) if timeout else self._ended.get_nowait()
        except queue.Empty:
            self._enforce()
            return
        if outcome.step.key not in self._outcomes:
            self._ended_as(outcome)

    def _enforce(self) -> None:
        for work in self._active():
            scope = work.context.scope
            if not scope.cancelled and scope.remaining() <= 0:
                scope.cancel(scope.timed_out())
            if scope.cancelled:
                since = self._overdue.setdefault(work.step.key, time.monotonic())
                grace = INTERRUPTED_GRACE if self._scope.cancelled else HANG_GRACE
                if time.monotonic() - since > grace:
                    self._ended_as(work.given_up())

    def _ended_as(self, outcome: StageOutcome) -> None:
        """Take an outcome into the evidence, the record and the stream of events."""
        self._outcomes[outcome.step.key] = outcome
        if outcome.status != "reused" or not outcome.step.scaffold:
            for artifact in outcome.artifacts:
                self._evidence.add(artifact)
        if not outcome.good and self._error is None:
            self._error = outcome.error
            for work in self._active():
                work.context.scope.cancel(Cancelled(f"{outcome.step.key} failed"))
        position = self._plan.steps.index(outcome.step)
        record = self._masker.data(outcome.record())
        self._guarded(
            lambda: self._store.stage(self._identity.run, self._identity.project, position, record)
        )
        self._emit(
            StageFinished(
                stage=outcome.step.key,
                status=outcome.status,
                seconds=record.seconds,
                summary=outcome.summary,
                reason=outcome.reason,
                artifacts=tuple(type(artifact).__name__ for artifact in outcome.artifacts),
                error=outcome.error_info(),
            )
        )

    def _conclude(self, seconds: float) -> RunResult:
        result = RunResult(
            run=self._identity.run,
            status=run_status(self._error),
            exit_code=exit_code(self._error),
            seconds=round(seconds, 3),
            outcome=highlights(self._evidence),
            evidence=self._evidence,
            error=self._error,
        )
        before = self._error
        self._guarded(
            lambda: self._store.finish(result.run, result.status, result.exit_code, result.outcome)
        )
        if self._error is not before:
            result = replace(
                result,
                status=run_status(self._error),
                exit_code=exit_code(self._error),
                error=self._error,
            )
        serving = self._standing(result.error) if result.error else None
        with suppress(StoreUnusable):  # how it ended is on record, and this is the last word
            for notice in self._telling(result, serving):
                self._bus.emit(notice)
            self._bus.emit(
                RunFinished(
                    status=result.status,
                    exit_code=result.exit_code,
                    seconds=result.seconds,
                    outcome=result.outcome,
                    serving=serving,
                )
            )
        return result

    # A store that fails ends the run, but never keeps it from tidying up.

    def _note_untidy(self, stage: str) -> None:
        self._guarded(lambda: self._store.untidy(self._identity.run, stage))

    def _emit(self, event: Event) -> None:
        self._guarded(lambda: self._bus.emit(event))

    def _guarded(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StoreUnusable as error:
            before, self._error = self._error, self._error or error
            self._scope.cancel(error)
            if before is None:  # no stage will tell it
                self._emit(Notice(level="error", message=error.message, hint=error.hint))
