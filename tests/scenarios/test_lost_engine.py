"""The engine lost at every single call of a run, and restarted: the old version comes back with it,
and running again comes to the same as if nothing had happened."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.kit.labels import select
from pipeline.store import Home, Store
from tests.support.desk import Desk

FEWEST = 50
"""Calls of a whole run at least."""


@contextmanager
def lost_at(engine: FakeEngine, call: int) -> Iterator[list[int]]:
    """Within the block the engine stops answering at that call; it comes back restarted.

    Gives a list that is empty when there were fewer calls.
    """
    state, enter, numbers = engine.state, engine.state.enter, itertools.count(1)
    lost: list[int] = []

    def counted(verb: str, *about: str) -> None:
        if next(numbers) == call:
            lost.append(call)
            state.unavailable = True
        enter(verb, *about)

    state.enter = counted  # type: ignore[method-assign]
    try:
        yield lost
    finally:
        state.enter = enter  # type: ignore[method-assign]
        state.unavailable = False
        if lost:
            engine.restart_engine()


def serving(engine: FakeEngine) -> list[str]:
    """The image of what answers at the app's port."""
    found = engine.http.answering(8000)
    return [found.image.id] if found else []


def shape(engine: FakeEngine, newest: str) -> object:
    """What there is, without what differs from version to version."""
    state = engine.state
    return {
        "containers": sorted(
            (c.state, c.restart, c.image.id == newest) for c in state.containers.values()
        ),
        "volumes": len(state.volumes),
        "networks": len(state.networks),
        "names of the newest": sorted(
            name.partition(":")[0] for name, image in state.tags.items() if image == newest
        ),
        "names": len(state.tags),
        "images": len(state.images),
    }


def test_at_every_call_of_the_next_release(desk: Desk) -> None:
    engine = desk.engine
    desk.change("publish: 8000", "publish: 8000, keep: 2")
    for version in range(4):
        desk.write("app.py", f"print({version})\n")
        assert desk("run", "--output", "plain").code == 0
    [image] = serving(engine)
    expected = shape(engine, image)

    for call in itertools.count(1):
        desk.write("app.py", f"print('at', {call})\n")
        with lost_at(engine, call) as lost:
            said = desk("run", "--output", "plain")
        if not lost:
            assert said.code == 0
            break
        told = (call, said.out + said.err)
        assert "no Docker engine answers" in said.out + said.err, told
        if said.code == 0:  # all is done but tidying up, giving back the lock, leaving word
            locks = engine.volumes(select("hello", "lock"))
            word = ("could not tidy up completely", "a supervisor will not know")
            assert locks or any(one in said.out for one in word), told
        else:
            assert said.code == 4, told
        # Behind a front the new one may serve before it is in force: then it has been tried out.
        [after] = serving(engine)
        assert after in {found.image for found in engine.containers(select("hello", "live"))}, told
        again = desk("run", "--output", "plain")
        assert again.code == 0, (told, again.out + again.err)
        [newest] = serving(engine)
        assert newest != image, told
        assert shape(engine, newest) == expected, told
        image = newest
    assert call > FEWEST
    runs = desk("history", "--json", "-n", "1000").json()
    assert {run["status"] for run in runs} == {"passed", "failed"}
    assert Store(Home.find(os.environ)).unsettled("hello") == []
