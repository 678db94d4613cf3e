"""The database's tables, as migrations from version 1 on.

A migration is never changed once released; a new one is appended. SQLite's ``user_version`` counts
those that have been applied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from pipeline.errors import StoreUnusable

MIGRATIONS = (
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        project TEXT NOT NULL,
        file TEXT NOT NULL,
        trigger TEXT NOT NULL,
        pid INTEGER NOT NULL,
        started REAL NOT NULL,
        finished REAL,
        status TEXT NOT NULL,              -- running, then one final state
        exit_code INTEGER,
        plan TEXT NOT NULL,                -- JSON: planned stages
        outcome TEXT NOT NULL DEFAULT '{}' -- JSON: url, image, digest, release, commit
    ) STRICT;
    CREATE INDEX runs_by_project ON runs (project, started DESC);

    CREATE TABLE stages (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        position INTEGER NOT NULL,
        uses TEXT NOT NULL,
        status TEXT NOT NULL,
        started REAL NOT NULL,
        seconds REAL NOT NULL,
        summary TEXT NOT NULL,
        reason TEXT NOT NULL,
        fingerprint TEXT,
        artifacts TEXT NOT NULL,           -- JSON: [{type, value}]
        error TEXT,                        -- JSON: kind, message, hint, detail, where
        PRIMARY KEY (run, key)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE successes (
        project TEXT NOT NULL,
        key TEXT NOT NULL,
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        PRIMARY KEY (project, key)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE events (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        body TEXT NOT NULL,                -- JSON
        PRIMARY KEY (run, seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE effects (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        stage TEXT NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        started REAL NOT NULL,
        done REAL
    ) STRICT;
    CREATE INDEX effects_by_run ON effects (run);
    """,
    """
    -- of `dockcycle serve`
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY,
        project TEXT NOT NULL,             -- as serve.yml has it
        kind TEXT NOT NULL,                -- push, call, asked, image, pull, rollback
        ref TEXT NOT NULL,                 -- full name
        "commit" TEXT NOT NULL,            -- what the sender says; then what was run
        state TEXT NOT NULL,               -- queued, running, done
        created REAL NOT NULL,
        started REAL,
        finished REAL,
        attempts INTEGER NOT NULL DEFAULT 0,
        run TEXT,                          -- of the last attempt
        result TEXT NOT NULL DEFAULT '',   -- of a done one: passed, failed, unchanged, …
        message TEXT NOT NULL DEFAULT '',
        reported TEXT NOT NULL DEFAULT ''  -- the last thing that the sender was told
    ) STRICT;
    CREATE UNIQUE INDEX jobs_waiting ON jobs (project, kind, ref) WHERE state = 'queued';
    CREATE INDEX jobs_by_project ON jobs (project, id);

    CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY,
        project TEXT NOT NULL,
        key TEXT NOT NULL,                 -- the same for every repetition
        sender TEXT NOT NULL,
        received REAL NOT NULL,
        what TEXT NOT NULL,
        verdict TEXT NOT NULL,             -- queued, or why not
        job INTEGER,
        UNIQUE (project, key)
    ) STRICT;

    CREATE TABLE refs (
        project TEXT NOT NULL,
        ref TEXT NOT NULL,
        tip TEXT NOT NULL,                 -- the commit that was seen last
        base TEXT NOT NULL,                -- the last one of it that is not our own record
        at REAL NOT NULL,
        PRIMARY KEY (project, ref)
    ) STRICT, WITHOUT ROWID;
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date, all in one transaction; other processes may want to as well.

    Raises:
        StoreUnusable: the file was written by a newer dockcycle.
    """
    if _version(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in MIGRATIONS[_version(connection) :]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS):d}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _version(connection: sqlite3.Connection) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise StoreUnusable(
            f"the state was written by a newer dockcycle (format {version})",
            hint="Update dockcycle, or set DOCKCYCLE_HOME to another folder.",
        )
    return version


def _statements(script: str) -> Iterator[str]:
    """``executescript`` would commit what is open."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
