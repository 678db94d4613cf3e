"""What a run looks like at a moment: events go in, renderers look at the result."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from pipeline.events import (
    CheckFinished,
    ErrorInfo,
    Event,
    Notice,
    RunFinished,
    RunStarted,
    StageFinished,
    StageLog,
    StageProgress,
    StageStarted,
)
from pipeline.kit.text import sanitize
from pipeline.render.words import State, check_text, notice_text, progress_text, step_text

TAIL = 6
"""Lines of a running stage's output that stay in view."""
WIDEST = 400
"""Characters kept of a line: more than a terminal shows."""


@dataclass
class StageView:
    """One stage. ``started`` is a Unix time; ``doing`` is what it is at, in a few words."""

    key: str
    reason: str = ""
    state: State = "waiting"
    started: float = 0.0
    seconds: float = 0.0
    doing: str = ""
    step: str = ""
    """What the last line of output belongs to."""
    summary: str = ""
    error: ErrorInfo | None = None
    checks: list[CheckFinished] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """Warnings, which stay in view after the stage has ended."""
    tail: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=TAIL))
    """(kind, line); kind is ``log``, ``step``, a check's state or a notice's level."""


@dataclass
class RunView:
    """The whole run; feed it with ``take``."""

    run: str = ""
    project: str = ""
    file: str = ""
    stages: dict[str, StageView] = field(default_factory=dict)
    remarks: list[Notice] = field(default_factory=list)
    """Notices that belong to no stage."""
    finished: RunFinished | None = None

    def take(self, event: Event) -> None:
        """Account for an event. Text from outside is made harmless here."""
        match event:
            case RunStarted():
                self.run, self.project, self.file = event.run, event.project, event.file
                for planned in event.stages:
                    self.stages[planned.key] = StageView(planned.key, sanitize(planned.reason))
            case StageStarted():
                stage = self._stage(event.stage)
                stage.state, stage.started = "running", stage.started or event.at
                stage.doing = f"attempt {event.attempt}" if event.attempt > 1 else ""
            case StageLog():
                self._log(event)
            case StageProgress():
                self._stage(event.stage).doing = progress_text(event)
            case CheckFinished():
                self._check(event)
            case Notice():
                self._notice(event)
            case StageFinished():
                self._finish(event)
            case RunFinished():
                self.finished = event

    @property
    def failed(self) -> StageView | None:
        """The stage that broke the run."""
        return next((s for s in self.stages.values() if s.state == "failed"), None)

    def running(self) -> list[StageView]:
        return [stage for stage in self.stages.values() if stage.state == "running"]

    def _stage(self, key: str) -> StageView:
        return self.stages.setdefault(key, StageView(key))

    def _log(self, event: StageLog) -> None:
        stage, step = self._stage(event.stage), step_text(event.step[:WIDEST])
        if step and step != stage.step:
            stage.step = stage.doing = step
            stage.tail.append(("step", step))
        stage.tail.append(("log", sanitize(event.line[:WIDEST])))

    def _check(self, event: CheckFinished) -> None:
        stage, text = self._stage(event.stage), check_text(event)
        kind = "passed" if event.passed else "allowed_failure" if event.advisory else "failed"
        stage.checks.append(event)
        stage.tail.append((kind, text))
        if kind == "allowed_failure":
            stage.remarks.append(text)

    def _notice(self, event: Notice) -> None:
        if not event.stage:
            self.remarks.append(event)
            return
        stage, text = self._stage(event.stage), notice_text(event)
        stage.tail.append((event.level, text))
        if event.level != "info":
            stage.remarks.append(text)

    def _finish(self, event: StageFinished) -> None:
        stage = self._stage(event.stage)
        stage.state, stage.seconds, stage.error = event.status, event.seconds, event.error
        stage.summary = sanitize(event.summary)
        stage.reason = sanitize(event.reason) or stage.reason
        if event.error and event.status == "allowed_failure":
            stage.remarks.append(sanitize(event.error.message))
