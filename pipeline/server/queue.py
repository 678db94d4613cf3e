"""Deliveries and jobs in the state database: what was accepted is never lost, and never twice.

A job is ``queued``, ``running`` or ``done``. Of one project, kind and ref at most one is queued, so
a burst of pushes is one job: it runs what the ref is at when it begins.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import NotFound
from pipeline.server.wishes import Kind, Wish
from pipeline.store import Database, Home

KEPT = 1000
"""Done jobs, and deliveries, that each project keeps."""

_FILTERS = ""
"""In the place of a ref."""

QUEUED, RUNNING, DONE = "queued", "running", "done"


@dataclass(frozen=True)
class Job:
    """A run that is wanted, under way or over. Times are Unix times."""

    id: int
    project: str
    kind: Kind
    ref: str
    commit: str
    state: str
    created: float
    started: float | None
    finished: float | None
    attempts: int
    run: str | None
    """The run's id, known before it begins."""
    result: str
    """Of a done one: ``passed``, ``failed``, ``cancelled``, ``unchanged``, ``refused``, ``lost``,
    ``superseded``."""
    message: str
    reported: str

    @property
    def name(self) -> str:
        """The branch or tag, for people."""
        return self.ref.removeprefix("refs/").removeprefix("heads/").removeprefix("tags/")


@dataclass(frozen=True)
class Delivery:
    """What came in, and what became of it."""

    project: str
    key: str
    sender: str
    what: str
    wishes: tuple[Wish, ...]
    reason: str = ""
    received: float = 0.0


@dataclass(frozen=True)
class Receipt:
    """``job`` is the one that will see to it; None when there is nothing to see to."""

    verdict: str
    """``queued``, ``duplicate``, or why it was ignored."""
    job: int | None = None


@dataclass(frozen=True)
class Seen:
    """Where a ref was when it was looked at last."""

    tip: str
    base: str


class Queue:
    """Every change is on the disk when its method returns. Safe for threads.

    Every method raises ``StoreUnusable`` when the database cannot be used.
    """

    def __init__(self, home: Home) -> None:
        self._db = Database(home, "FULL")

    def close(self) -> None:
        self._db.close()

    # coming in

    def take(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        """Keep deliveries, all in one go, and queue what they wish for."""
        with self._db.transaction():
            return [self._take(delivery) for delivery in deliveries]

    def put(self, project: str, wish: Wish) -> int:
        """Queue a run; the number of its job, which may have been waiting already."""
        with self._db.transaction():
            return self._put(project, wish)

    def _take(self, delivery: Delivery) -> Receipt:
        known = self._db.read(
            "SELECT job FROM deliveries WHERE project = ? AND key = ?",
            delivery.project, delivery.key,
        )  # fmt: skip
        if known:
            return Receipt("duplicate", known[0]["job"])
        jobs = [self._put(delivery.project, wish) for wish in delivery.wishes]
        verdict = QUEUED if jobs else delivery.reason
        self._db.write(
            "INSERT INTO deliveries (project, key, sender, received, what, verdict, job)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            delivery.project, delivery.key, delivery.sender, delivery.received or time.time(),
            delivery.what, verdict, jobs[0] if jobs else None,
        )  # fmt: skip
        return Receipt(verdict, jobs[0] if jobs else None)

    def _put(self, project: str, wish: Wish) -> int:
        [row] = self._db.read(
            'INSERT INTO jobs (project, kind, ref, "commit", state, created)'
            " VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (project, kind, ref) WHERE state = 'queued'"
            ' DO UPDATE SET "commit" = excluded."commit" RETURNING id',
            project, wish.kind, wish.ref, wish.commit, QUEUED, time.time(),
        )  # fmt: skip
        return int(row["id"])

    # going through

    def claim(self, project: str, run: str) -> Job | None:
        """The oldest queued job, which is now running as ``run``; None when there is none."""
        rows = self._db.read(
            "UPDATE jobs SET state = ?, started = ?, attempts = attempts + 1, run = ?"
            " WHERE id = (SELECT min(id) FROM jobs WHERE project = ? AND state = ?) RETURNING *",
            RUNNING, time.time(), run, project, QUEUED,
        )  # fmt: skip
        return _job(rows[0]) if rows else None

    def again(self, job: int, run: str) -> None:
        """A running job gets another attempt, as ``run``."""
        self._db.change(
            "UPDATE jobs SET started = ?, attempts = attempts + 1, run = ? WHERE id = ?",
            time.time(), run, job,
        )  # fmt: skip

    def fix(self, job: int, ref: str, commit: str) -> None:
        """Note what a running job really runs."""
        self._db.change('UPDATE jobs SET ref = ?, "commit" = ? WHERE id = ?', ref, commit, job)

    def finish(self, job: int, result: str, message: str = "", *, run: bool = True) -> None:
        """End a job; ``run`` says whether there is a run with its id."""
        self._db.change(
            "UPDATE jobs SET state = ?, finished = ?, result = ?, message = ?,"
            " run = CASE WHEN ? THEN run END WHERE id = ? AND state != ?",
            DONE, time.time(), result, message, run, job, DONE,
        )  # fmt: skip

    def put_back(self, job: Job) -> None:
        """A running job waits again, unless a newer one for the same already does."""
        with self._db.transaction():
            waiting = self._db.read(
                "SELECT 1 FROM jobs WHERE project = ? AND kind = ? AND ref = ? AND state = ?",
                job.project, job.kind, job.ref, QUEUED,
            )  # fmt: skip
            if waiting:
                self.finish(job.id, "superseded")
            else:
                self._db.change(
                    "UPDATE jobs SET state = ?, attempts = attempts - 1 WHERE id = ?",
                    QUEUED, job.id,
                )  # fmt: skip

    def drop(self, job: int) -> bool:
        """Take a queued job out of the queue; False when it is none (any more)."""
        return bool(self._db.change(
            "UPDATE jobs SET state = ?, finished = ?, result = 'cancelled' WHERE id = ? AND"
            " state = ?", DONE, time.time(), job, QUEUED,
        ))  # fmt: skip

    def reported(self, job: int, what: str) -> None:
        """Note what the sender was told about a job."""
        self._db.change("UPDATE jobs SET reported = ? WHERE id = ?", what, job)

    # refs

    def seen(self, project: str, ref: str) -> Seen | None:
        rows = self._db.read("SELECT * FROM refs WHERE project = ? AND ref = ?", project, ref)
        return Seen(rows[0]["tip"], rows[0]["base"]) if rows else None

    def tips(self, project: str) -> dict[str, str]:
        """Ref → the commit that was seen there last; the ref that was looked at last comes last."""
        rows = self._db.read(
            "SELECT ref, tip FROM refs WHERE project = ? AND ref != ? ORDER BY at",
            project, _FILTERS,
        )  # fmt: skip
        return {row["ref"]: row["tip"] for row in rows}

    def filters(self, project: str) -> str | None:
        """By which filters the refs were looked at last; None if they never were."""
        seen = self.seen(project, _FILTERS)
        return seen.tip if seen else None

    def set_filters(self, project: str, filters: str) -> None:
        self.see(project, _FILTERS, Seen(filters, ""))

    def see(self, project: str, ref: str, seen: Seen) -> None:
        """Note where a ref is, now that what is there has been seen to."""
        self._db.change(
            "INSERT OR REPLACE INTO refs (project, ref, tip, base, at) VALUES (?, ?, ?, ?, ?)",
            project, ref, seen.tip, seen.base, time.time(),
        )  # fmt: skip

    # looking

    def job(self, number: int) -> Job:
        """Raises ``NotFound`` when there is no job of that number."""
        rows = self._db.read("SELECT * FROM jobs WHERE id = ?", number)
        if not rows:
            raise NotFound(f"there is no job {number}")
        return _job(rows[0])

    def jobs(
        self, project: str | None = None, *, state: str | None = None, limit: int = 50
    ) -> list[Job]:
        """The newest first."""
        rows = self._db.read(
            "SELECT * FROM jobs WHERE (? IS NULL OR project = ?) AND (? IS NULL OR state = ?)"
            " ORDER BY id DESC LIMIT ?",
            project, project, state, state, limit,
        )  # fmt: skip
        return [_job(row) for row in rows]

    def deliveries(self, project: str | None = None, limit: int = 50) -> list[dict[str, object]]:
        """The newest first: ``id``, ``sender``, ``received``, ``what``, ``verdict``, ``job``."""
        rows = self._db.read(
            "SELECT id, project, sender, received, what, verdict, job FROM deliveries"
            " WHERE ? IS NULL OR project = ? ORDER BY id DESC LIMIT ?",
            project, project, limit,
        )  # fmt: skip
        return [dict(row) for row in rows]

    def prune(self, project: str, keep: int = KEPT) -> None:
        """Forget what is old."""
        for table in ("deliveries", "jobs"):
            done = "AND state = 'done'" if table == "jobs" else ""
            self._db.change(
                f"DELETE FROM {table} WHERE project = ? {done} AND id <="  # noqa: S608 - our names
                f" (SELECT id FROM {table} WHERE project = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
                project, project, keep,
            )  # fmt: skip


def _job(row: sqlite3.Row) -> Job:
    return Job(**dict(row))
