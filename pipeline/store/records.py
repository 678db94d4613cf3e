"""What the store gives back: runs and their stages, as plain frozen data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class StageRecord:
    """One stage of one run. ``started`` is a Unix time, ``seconds`` its duration."""

    key: str
    uses: str
    status: str
    started: float
    seconds: float
    summary: str = ""
    reason: str = ""
    fingerprint: str | None = None
    artifacts: tuple[dict[str, Any], ...] = ()
    """``{"type": "Images", "value": {…}}`` for each."""
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class EffectRecord:
    """A side effect outside: ``done`` is None when the run died before it was known to be done."""

    stage: str
    kind: str
    key: str
    started: float
    done: float | None

    def open(self, kind: str) -> bool:
        """Is it of that kind, and not known to be done?"""
        return self.kind == kind and self.done is None


@dataclass(frozen=True)
class RunRecord:
    """One run; ``status`` is ``running`` or one of ``pipeline.events.RunStatus``."""

    id: str
    project: str
    file: str
    trigger: str
    pid: int
    started: float
    status: str
    finished: float | None = None
    exit_code: int | None = None
    plan: tuple[dict[str, str], ...] = ()
    outcome: dict[str, str] = field(default_factory=dict)
    stages: tuple[StageRecord, ...] = ()
    effects: tuple[EffectRecord, ...] = ()

    def artifact(self, kind: str) -> dict[str, Any] | None:
        """The value of the artifact of that type, made or reused in this run."""
        for stage in reversed(self.stages):
            for artifact in stage.artifacts:
                if artifact["type"] == kind:
                    value: dict[str, Any] = artifact["value"]
                    return value
        return None

    def to_json(self) -> dict[str, Any]:
        """The whole record, as ``dockcycle show RUN --json`` prints it."""
        body = asdict(self)
        body["artifacts"] = {
            artifact["type"]: artifact["value"]
            for stage in self.stages
            for artifact in stage.artifacts
        }
        return body
