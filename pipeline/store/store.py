"""Runs, stage results, events and side effects in SQLite (WAL), safe for threads and processes."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.errors import NotFound
from pipeline.events import Event, PlannedStage
from pipeline.store.database import Database
from pipeline.store.home import Home
from pipeline.store.records import EffectRecord, RunRecord, StageRecord

RUNNING = "running"
CLEAN_UP = "clean-up"
"""Kind of an effect: a stage's clean-up, open until what it could not do has been done."""


class Store:
    """The history of runs. Every method raises ``StoreUnusable`` when the file cannot be used."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._db = Database(home, "NORMAL")

    def close(self) -> None:
        self._db.close()

    # writing

    def begin(
        self, run: str, project: str, file: str, trigger: str, pid: int,
        plan: Sequence[PlannedStage],
    ) -> None:  # fmt: skip
        """Record that a run began."""
        self._db.write(
            "INSERT INTO runs (id, project, file, trigger, pid, started, status, plan)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            run, project, file, trigger, pid, time.time(), RUNNING,
            json.dumps([asdict(stage) for stage in plan]),
        )  # fmt: skip

    def finish(
        self, run: str, status: str, exit_code: int | None, outcome: Mapping[str, str]
    ) -> None:
        """Give a run its final state; the first one stays."""
        self._db.write(
            "UPDATE runs SET status = ?, exit_code = ?, outcome = ?, finished = ?"
            " WHERE id = ? AND status = ?",
            status, exit_code, json.dumps(dict(outcome)), time.time(), run, RUNNING,
        )  # fmt: skip

    def stage(self, run: str, project: str, position: int, record: StageRecord) -> None:
        """Record a stage's result; a success with a fingerprint becomes what can be reused."""
        with self._db.transaction():
            self._db.write(
                "INSERT OR REPLACE INTO stages (run, key, position, uses, status, started,"
                " seconds, summary, reason, fingerprint, artifacts, error)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                run, record.key, position, record.uses, record.status, record.started,
                record.seconds, record.summary, record.reason, record.fingerprint,
                json.dumps(record.artifacts),
                json.dumps(record.error) if record.error else None,
            )  # fmt: skip
            if record.status == "passed" and record.fingerprint:
                self._db.write(
                    "INSERT OR REPLACE INTO successes (project, key, run) VALUES (?, ?, ?)",
                    project, record.key, run,
                )  # fmt: skip

    def event(self, run: str, seq: int, event: Event) -> None:
        self._db.write(
            "INSERT INTO events (run, seq, body) VALUES (?, ?, ?)",
            run, seq, json.dumps(event.to_json(), ensure_ascii=False),
        )  # fmt: skip

    def effect_started(self, run: str, stage: str, kind: str, key: str) -> int:
        """Durable when it returns; gives the effect's number."""
        with self._db.lock:
            # NORMAL may lose the last commits when the machine (not the process) dies; what is
            # about to happen outside must not be lost so.
            self._db.write("PRAGMA synchronous = FULL")
            row = self._db.write(
                "INSERT INTO effects (run, stage, kind, key, started) VALUES (?, ?, ?, ?, ?)",
                run, stage, kind, key, time.time(),
            )  # fmt: skip
            self._db.write("PRAGMA synchronous = NORMAL")
            return row

    def effect_done(self, number: int) -> None:
        self._db.write("UPDATE effects SET done = ? WHERE id = ?", time.time(), number)

    def untidy(self, run: str, stage: str) -> None:
        """Record that what the stage left could not be cleaned up."""
        self.effect_started(run, stage, CLEAN_UP, stage)

    def tidied(self, run: str) -> None:
        """All that a run left is settled."""
        self._db.write(
            "UPDATE effects SET done = ? WHERE run = ? AND kind = ? AND done IS NULL",
            time.time(), run, CLEAN_UP,
        )  # fmt: skip

    def unsettled(self, project: str) -> list[RunRecord]:
        """Runs that have left something: those without a final state, and those whose clean-up
        did not come to its end. The newest first."""
        rows = self._db.read(
            "SELECT id FROM runs WHERE project = ? AND (status = ? OR EXISTS (SELECT 1 FROM effects"
            " WHERE run = runs.id AND kind = ? AND done IS NULL)) ORDER BY started DESC, id DESC",
            project, RUNNING, CLEAN_UP,
        )  # fmt: skip
        return [self.run(row["id"]) for row in rows]

    def forget_project(self, project: str, *, keep: int = 0) -> int:
        """Delete all but the newest ``keep`` finished runs; how many went."""
        return self._db.change(
            "DELETE FROM runs WHERE project = ? AND status != ? AND id NOT IN"
            " (SELECT run FROM successes WHERE project = ?) AND id NOT IN"
            " (SELECT id FROM runs WHERE project = ? ORDER BY started DESC LIMIT ?)",
            project, RUNNING, project, project, keep,
        )  # fmt: skip

    # reading

    def last_success(self, project: str, key: str) -> tuple[str, StageRecord] | None:
        """The run and the result of a stage's last success that has a fingerprint."""
        rows = self._db.read(
            "SELECT stages.* FROM successes JOIN stages USING (run, key)"
            " WHERE successes.project = ? AND successes.key = ?",
            project, key,
        )  # fmt: skip
        return (rows[0]["run"], _stage(rows[0])) if rows else None

    def successes(self, project: str) -> list[StageRecord]:
        """The results that the next run may reuse."""
        rows = self._db.read(
            "SELECT stages.* FROM successes JOIN stages USING (run, key)"
            " WHERE successes.project = ?",
            project,
        )
        return [_stage(row) for row in rows]

    def runs(
        self, project: str | None = None, *, status: str | None = None,
        trigger: str | None = None, branch: str | None = None, before: str | None = None,
        limit: int = 50,
    ) -> list[RunRecord]:  # fmt: skip
        """The newest first, without their stages; ``before``: only those older than that run."""
        rows = self._db.read(
            "SELECT * FROM runs WHERE (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR status = ?2)"
            " AND (?3 IS NULL OR trigger = ?3) AND (?4 IS NULL OR EXISTS"
            " (SELECT 1 FROM stages, json_each(stages.artifacts) AS made WHERE stages.run = runs.id"
            " AND json_extract(made.value, '$.value.branch') = ?4))"
            " AND (?5 IS NULL OR (started, id) < (SELECT started, id FROM runs WHERE id = ?5))"
            " ORDER BY started DESC, id DESC LIMIT ?6",
            project, status, trigger, branch, before, limit,
        )  # fmt: skip
        return [_run(row) for row in rows]

    def run(self, name: str, project: str | None = None) -> RunRecord:
        """By id, by an unambiguous part of it, or ``latest``.

        Raises:
            NotFound: none, or several, are called that.
        """
        if name == "latest":
            rows = self._db.read(
                "SELECT * FROM runs WHERE ? IS NULL OR project = ? ORDER BY started DESC LIMIT 1",
                project, project,
            )  # fmt: skip
        else:
            rows = self._db.read("SELECT * FROM runs WHERE id = ?", name) or self._db.read(
                "SELECT * FROM runs WHERE instr(id, ?) > 0 LIMIT 2", name
            )
        if len(rows) != 1:
            what = f"no run is called {name!r}" if not rows else f"several runs match {name!r}"
            raise NotFound(what, hint="`dockcycle history` lists the runs.")
        found = rows[0]
        stages = self._db.read("SELECT * FROM stages WHERE run = ? ORDER BY position", found["id"])
        effects = self._db.read("SELECT * FROM effects WHERE run = ? ORDER BY id", found["id"])
        return _run(found, stages, effects)

    def events(self, run: str, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        """The run's events with a sequence number above ``after``, in order."""
        rows = self._db.read(
            "SELECT seq, body FROM events WHERE run = ? AND seq > ? ORDER BY seq", run, after
        )
        return ((row["seq"], json.loads(row["body"])) for row in rows)

    def tally(self) -> dict[tuple[str, str, str], int]:
        """How many runs the record has, by project, status and trigger."""
        rows = self._db.read(
            "SELECT project, status, trigger, count(*) FROM runs GROUP BY project, status, trigger"
        )
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    def projects(self) -> list[str]:
        return [row[0] for row in self._db.read("SELECT DISTINCT project FROM runs ORDER BY 1")]


def _stage(row: sqlite3.Row) -> StageRecord:
    return StageRecord(
        key=row["key"], uses=row["uses"], status=row["status"], started=row["started"],
        seconds=row["seconds"], summary=row["summary"], reason=row["reason"],
        fingerprint=row["fingerprint"], artifacts=tuple(json.loads(row["artifacts"])),
        error=json.loads(row["error"]) if row["error"] else None,
    )  # fmt: skip


def _run(
    row: sqlite3.Row, stages: Sequence[sqlite3.Row] = (), effects: Sequence[sqlite3.Row] = ()
) -> RunRecord:
    return RunRecord(
        id=row["id"], project=row["project"], file=row["file"], trigger=row["trigger"],
        pid=row["pid"], started=row["started"], status=row["status"], finished=row["finished"],
        exit_code=row["exit_code"], plan=tuple(json.loads(row["plan"])),
        outcome=json.loads(row["outcome"]), stages=tuple(_stage(stage) for stage in stages),
        effects=tuple(
            EffectRecord(e["stage"], e["kind"], e["key"], e["started"], e["done"]) for e in effects
        ),
    )  # fmt: skip
