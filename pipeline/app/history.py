"""Looking at the record: runs as rows, and one run by whatever people call it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import NotFound
from pipeline.store import Home, ProjectLock, RunRecord, Store

RELEASE = re.compile(r"r[0-9]+")
SEARCHED = 1000
"""Runs that are looked through for the one that made a release."""


@dataclass(frozen=True)
class Row:
    """One run in a list. Times are Unix times, durations seconds; ``failed`` is a stage's key."""

    id: str
    project: str
    status: str
    exit_code: int | None
    started: float
    finished: float | None
    seconds: float | None
    trigger: str
    failed: str
    outcome: dict[str, str]
    what: str = "run"
    """``run`` or ``rollback``."""


def rows(store: Store, project: str | None, limit: int) -> list[Row]:
    """The newest runs first, of one project or (None) of all."""
    return [_row(store, run) for run in store.runs(project, limit=limit)]


def _row(store: Store, run: RunRecord) -> Row:
    return Row(
        id=run.id,
        project=run.project,
        status=state_of(store.home, run),
        exit_code=run.exit_code,
        started=run.started,
        finished=run.finished,
        seconds=None if run.finished is None else round(run.finished - run.started, 3),
        trigger=run.trigger,
        failed=failed_stage(store.run(run.id)) if run.exit_code else "",
        outcome=run.outcome,
        what="rollback" if _ran(run, "rollback") else "run",
    )


def state_of(home: Home, run: RunRecord) -> str:
    """The run's status; one that was killed is ``lost`` before the next run has noted it."""
    if run.status == "running" and ProjectLock(home, run.project).holder() is None:
        return "lost"
    return run.status


def failed_stage(run: RunRecord) -> str:
    """The key of the stage that broke the run, or ``""``."""
    return next((stage.key for stage in run.stages if stage.status == "failed"), "")


def find_run(store: Store, name: str, project: str | None) -> RunRecord:
    """By id, by a part of it, by the release that it made (``r12``), or ``latest``.

    Raises:
        NotFound: there is none, or several are meant.
    """
    if RELEASE.fullmatch(name):
        made = _made(store.runs(project, limit=SEARCHED), name)
        if made is None:
            raise NotFound(
                f"no run in the record made the release {name}",
                hint="`dockcycle history` lists the runs; other clients have records of their own.",
            )
        return store.run(made.id)
    if name == "latest" and not store.runs(project, limit=1):
        raise NotFound("there is no run yet", hint="`dockcycle run` makes one.")
    return store.run(name, project)


def _made(runs: Iterable[RunRecord], release: str) -> RunRecord | None:
    """The run that made a release, not one that brought it back or found it there already. The
    newest: after `down` releases are counted from r1 again."""
    found = (run for run in runs if run.outcome.get("release") == release)
    return next((run for run in found if _ran(run, "operate")), None)


def _ran(run: RunRecord, uses: str) -> bool:
    return any(step["uses"] == uses and step["action"] == "run" for step in run.plan)
