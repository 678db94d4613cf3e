"""What the lists show of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.app.history import failed_stage, state_of
from pipeline.server.pages.picture import strip
from pipeline.store import RunRecord, Store


@dataclass(frozen=True)
class RunItem:
    """One run in a list. Times are Unix times, durations seconds; ``failed`` is a stage's key.

    ``stages`` has (key, state) of each in the order of the plan.
    """

    id: str
    project: str
    status: str
    kind: str
    """``run``, or ``rollback``."""
    title: str
    trigger: str
    started: float
    finished: float | None
    seconds: float | None
    branch: str
    commit: str
    author: str
    failed: str
    outcome: dict[str, str]
    stages: tuple[tuple[str, str], ...]

    @property
    def under_way(self) -> bool:
        return self.status == "running"

    @property
    def release(self) -> str:
        return self.outcome.get("release", "")

    @property
    def url(self) -> str:
        return self.outcome.get("url", "")

    @property
    def doing(self) -> str:
        """The stage that a run is at."""
        return next((key for key, state in self.stages if state == "running"), "")


@dataclass(frozen=True)
class Wanted:
    """Which runs of a project; empty: any. ``before``: older than that run."""

    status: str = ""
    branch: str = ""
    trigger: str = ""
    before: str = ""

    @property
    def narrowed(self) -> bool:
        return bool(self.status or self.branch or self.trigger)


def runs_of(store: Store, project: str, wanted: Wanted, limit: int) -> list[RunItem]:
    """The newest first."""
    found = store.runs(
        project, status=wanted.status or None, trigger=wanted.trigger or None,
        branch=wanted.branch or None, before=wanted.before or None, limit=limit,
    )  # fmt: skip
    return [item_of(store, store.run(run.id)) for run in found]


def settled(store: Store, run: RunRecord) -> tuple[RunRecord, str]:
    """The run and its status; ``lost`` only if it did not end while we looked."""
    status = state_of(store.home, run)
    if status == "lost" and run.status != status:
        run = store.run(run.id)
        status = status if run.status == "running" else run.status
    return run, status


def item_of(store: Store, run: RunRecord) -> RunItem:
    """``run`` with its stages."""
    run, status = settled(store, run)
    source, release = run.artifact("Source") or {}, run.artifact("Release") or {}
    rollback = [step["uses"] for step in run.plan] == ["rollback"]
    done = {stage.key: stage.status for stage in run.stages}
    return RunItem(
        id=run.id,
        project=run.project,
        status=status,
        kind="rollback" if rollback else "run",
        title=_title(run, source, rollback=rollback),
        trigger=run.trigger,
        started=run.started,
        finished=run.finished,
        seconds=None if run.finished is None else round(run.finished - run.started, 3),
        branch=source.get("branch") or release.get("branch") or "",
        commit=run.outcome.get("commit") or source.get("commit") or release.get("commit") or "",
        author=source.get("author") or "",
        failed=failed_stage(run),
        outcome=run.outcome,
        stages=tuple(strip(run.plan, done, running=status == "running")),
    )


def _title(run: RunRecord, source: dict[str, Any], *, rollback: bool) -> str:
    if rollback:
        reason = run.plan[0]["reason"]
        return f"Roll back {reason.removeprefix('back ')}"
    return source.get("subject") or (f"Run of {run.project}")
