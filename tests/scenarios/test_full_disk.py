"""The state directory full from some write of a run on: the version in force serves, nothing is
left over, and running again with room comes to the same as if nothing had happened."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from pipeline.errors import StoreUnusable
from pipeline.kit.releases import Ledger
from pipeline.store import Database
from tests.scenarios.test_lost_engine import serving, shape
from tests.support.desk import Desk

STRIDE = 3
"""Which writes are tried: each third one, for time's sake."""
FEWEST = 60
"""Writes of a whole run at least."""


@contextmanager
def full_from(write: int) -> Iterator[None]:
    """Within the block nothing is written from that write on."""
    numbers = itertools.count(1)
    original = Database.write

    def counted(database: Database, sql: str, *values: object) -> int:
        if sql.startswith(("INSERT", "UPDATE")) and next(numbers) >= write:
            raise StoreUnusable("the state cannot be used: disk full", hint="Free some space.")
        return original(database, sql, *values)

    with patch.object(Database, "write", counted):
        yield


def test_from_any_write_of_the_next_release_on(desk: Desk) -> None:
    engine = desk.engine
    desk.change("publish: 8000", "publish: 8000, keep: 2")
    for version in range(4):
        desk.write("app.py", f"print({version})\n")
        assert desk("run", "--output", "plain").code == 0
    [image] = serving(engine)
    expected = shape(engine, image)

    for write in itertools.count(1, STRIDE):
        desk.write("app.py", f"print('at', {write})\n")
        with full_from(write):
            said = desk("run", "--output", "plain")
        told = (write, said.out + said.err)
        if said.code == 0:  # all was written, the last event perhaps not
            assert desk("history", "--json").json()[0]["status"] == "passed"
            assert " passed in " in said.out.splitlines()[-1]
            break
        assert said.code == 4, told
        assert "disk full" in told[1] and "Free some space." in told[1], told
        current = Ledger(engine, "hello").current()
        assert current is not None
        assert serving(engine) == [current.release.images["app"]], told
        again = desk("run", "--output", "plain")
        assert again.code == 0, (told, again.out + again.err)
        [newest] = serving(engine)
        assert newest != image, told
        assert shape(engine, newest) == expected, told
        image = newest
    assert write > FEWEST
    runs = desk("history", "--json", "-n", "1000").json()
    assert {run["status"] for run in runs} <= {"passed", "failed", "lost"}
