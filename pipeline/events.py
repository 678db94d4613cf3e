"""What happens in a run, as data. Stages never print: they emit these, sinks show or keep them.

The JSON form of an event (``to_json``) is what ``--output json`` prints, what the store keeps and
what docs/events.md documents. ``at`` is a Unix time in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from pipeline.errors import Location

StageStatus = Literal["passed", "failed", "skipped", "reused", "cancelled", "allowed_failure"]
RunStatus = Literal["passed", "failed", "interrupted", "lost"]
Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events. ``run`` and ``at`` are filled in by the bus."""

    type: ClassVar[str] = "event"
    run: str = ""
    at: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """A JSON-serialisable mapping with the event's ``type`` first."""
        return {"type": self.type, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """A line of the plan: will the stage run, and why or why not."""

    key: str
    uses: str
    action: Literal["run", "reuse", "skip"]
    reason: str


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    type: ClassVar[str] = "run_started"
    project: str = ""
    file: str = ""
    trigger: str = "cli"
    stages: tuple[PlannedStage, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StageStarted(Event):
    type: ClassVar[str] = "stage_started"
    stage: str = ""
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class StageLog(Event):
    """A line of foreign output, raw: renderers make it harmless. ``step`` groups lines."""

    type: ClassVar[str] = "stage_log"
    stage: str = ""
    line: str = ""
    step: str = ""
    stream: Literal["stdout", "stderr"] = "stdout"


@dataclass(frozen=True, kw_only=True)
class StageProgress(Event):
    """What the stage is at, in a few words; ``done``/``total`` in ``unit`` where they are known."""

    type: ClassVar[str] = "stage_progress"
    stage: str = ""
    message: str = ""
    done: int | None = None
    total: int | None = None
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckFinished(Event):
    """One check (unit test command, smoke check) with its outcome and duration in seconds."""

    type: ClassVar[str] = "check_finished"
    stage: str = ""
    check: str = ""
    passed: bool = True
    advisory: bool = False
    seconds: float = 0.0
    attempts: int = 1
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Notice(Event):
    """Something a user should know; ``where`` points into a file if it is about one."""

    type: ClassVar[str] = "notice"
    stage: str = ""
    level: Level = "info"
    message: str = ""
    hint: str = ""
    rule: str = ""
    where: Location | None = None


@dataclass(frozen=True, kw_only=True)
class StageFinished(Event):
    """``summary`` is one line for people; ``artifacts`` are names of the evidence made."""

    type: ClassVar[str] = "stage_finished"
    stage: str = ""
    status: StageStatus = "passed"
    seconds: float = 0.0
    summary: str = ""
    reason: str = ""
    artifacts: tuple[str, ...] = ()
    error: ErrorInfo | None = None


@dataclass(frozen=True, kw_only=True)
class ErrorInfo:
    """A failure as data: the same fields as ``DockcycleError``."""

    kind: str
    message: str
    hint: str = ""
    detail: str = ""
    where: Location | None = None


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What serves when a run has ended without success. ``state`` is one of ``dockcycle status``;
    ``trouble`` says in a few words why it is degraded."""

    state: str
    release: str = ""
    url: str = ""
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """The last event of every run. ``outcome`` has what a user looks for first."""

    type: ClassVar[str] = "run_finished"
    status: RunStatus = "passed"
    exit_code: int = 0
    seconds: float = 0.0
    outcome: dict[str, str] = field(default_factory=dict)
    """Of ``url``, ``image``, ``digest``, ``release``, ``commit``: those that the run made."""
    serving: Serving | None = None
    """None when the run passed, or the engine could not be asked."""


Sink = Callable[[Event], None]
EVENT_TYPES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        RunStarted, StageStarted, StageLog, StageProgress, CheckFinished, Notice, StageFinished,
        RunFinished,
    )
}  # fmt: skip
