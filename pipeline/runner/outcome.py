"""What came of a stage and of a run, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.artifacts import App, Artifact, GitRecord, Images, PushedImages, Release, Source
from pipeline.errors import Cancelled, DockcycleError, Exit
from pipeline.events import ErrorInfo, RunStatus, StageStatus
from pipeline.planner import Step
from pipeline.stage import Evidence
from pipeline.store import StageRecord


@dataclass(frozen=True)
class StageOutcome:
    """How one stage ended. ``started`` is a Unix time, ``seconds`` the duration."""

    step: Step
    status: StageStatus
    started: float
    seconds: float = 0.0
    artifacts: tuple[Artifact, ...] = ()
    fingerprint: str | None = None
    error: Exception | None = None
    reason: str = ""

    @property
    def good(self) -> bool:
        """May later stages start?"""
        return self.status not in ("failed", "cancelled")

    @property
    def summary(self) -> str:
        """Of scaffolding that was reused nothing is there any more."""
        if self.status == "reused" and self.step.scaffold:
            return ""
        return "; ".join(line for line in (a.summary() for a in self.artifacts) if line)

    def error_info(self) -> ErrorInfo | None:
        return None if self.error is None else describe(self.error)

    def record(self) -> StageRecord:
        info = self.error_info()
        return StageRecord(
            key=self.step.key,
            uses=self.step.entry.uses,
            status=self.status,
            started=self.started,
            seconds=round(self.seconds, 3),
            summary=self.summary,
            reason=self.reason,
            fingerprint=self.fingerprint,
            artifacts=tuple(dump(artifact) for artifact in self.artifacts),
            error=None if info is None else _plain(info),
        )


@dataclass(frozen=True)
class RunResult:
    """How a run ended."""

    run: str
    status: RunStatus
    exit_code: int
    seconds: float
    outcome: dict[str, str]
    evidence: Evidence
    error: Exception | None = None


def describe(error: Exception) -> ErrorInfo:
    """A failure as data; a bug of ours (or of a plug-in) keeps its class name."""
    if isinstance(error, DockcycleError):
        return ErrorInfo(
            kind=type(error).__name__,
            message=error.message,
            hint=error.hint,
            detail=error.detail,
            where=error.where,
        )
    return ErrorInfo(
        kind=type(error).__name__,
        message=f"unexpected {type(error).__name__}: {error}",
        hint="This is a bug. Please report it with the report file.",
    )


def exit_code(error: Exception | None) -> int:
    """The command's exit code for a run that ended with ``error``."""
    if error is None:
        return Exit.OK
    return error.exit_code if isinstance(error, DockcycleError) else Exit.BUG


def run_status(error: Exception | None) -> RunStatus:
    if error is None:
        return "passed"
    return "interrupted" if isinstance(error, Cancelled) else "failed"


def dump(artifact: Artifact) -> dict[str, Any]:
    """An artifact as the store keeps it."""
    return {"type": type(artifact).__name__, "value": artifact.model_dump(mode="json")}


def highlights(evidence: Evidence) -> dict[str, str]:
    """What a user looks for first: url, image, digest, release, commit; those that exist."""
    found: dict[str, str | None] = {}
    if app := evidence.find(App):
        found["url"] = app.url if app.in_place else None
    if images := evidence.find(Images):
        built = [image.id for image in images.services.values() if image.built]
        found["image"] = built[0] if len(built) == 1 else None
    if pushed := evidence.find(PushedImages):
        digests = [item.digest for items in pushed.services.values() for item in items]
        found["digest"] = digests[0] if digests else None
    if source := evidence.find(Source):
        found["commit"] = source.commit
    elif record := evidence.find(GitRecord):
        found["commit"] = record.commit
    if release := evidence.find(Release):
        found |= {"release": release.id, "url": release.url}
    return {key: value for key, value in found.items() if value}


def _plain(info: ErrorInfo) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(info)
