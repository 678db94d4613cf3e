"""The SQLite file of the state directory: opened, brought up to date, shared by threads."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from pipeline.errors import StoreUnusable
from pipeline.store.home import Home
from pipeline.store.schema import migrate

PATIENCE = 10.0
"""Seconds to wait for another process that holds the file."""


class Database:
    """One connection (WAL), for any number of threads.

    ``synchronous``: with ``FULL`` a change survives the machine's end as soon as it is made, with
    ``NORMAL`` that of the process.

    Every method raises ``StoreUnusable`` when the file cannot be used.
    """

    def __init__(self, home: Home, synchronous: Literal["NORMAL", "FULL"]) -> None:
        self._home = home
        home.ensure(home.path)
        self.lock = threading.RLock()
        """Held for what must not be mixed with another thread's changes."""
        with self._guard():
            self._connection = sqlite3.connect(
                home.database, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._connection.row_factory = sqlite3.Row
            _use_wal(self._connection)
            self._connection.execute(f"PRAGMA synchronous = {synchronous}")
            self._connection.execute("PRAGMA foreign_keys = ON")
            migrate(self._connection)

    def close(self) -> None:
        with self.lock:
            self._connection.close()

    def write(self, sql: str, *values: object) -> int:
        """The number of the row that was inserted last."""
        return self._execute(sql, values).lastrowid or 0

    def change(self, sql: str, *values: object) -> int:
        """How many rows were changed or deleted."""
        return self._execute(sql, values).rowcount

    def read(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self.lock, self._guard():
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that the block changes, or nothing."""
        with self.lock, self._guard():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.execute("COMMIT")

    def _execute(self, sql: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        with self.lock, self._guard():
            return self._connection.execute(sql, values)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreUnusable(
                f"the state in {self._home.database} cannot be used: {error}",
                hint="Free some space or fix its permissions, or set DOCKCYCLE_HOME to another"
                " folder.",
            ) from error


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite itself does not wait here for others who do the same to a new file."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return
