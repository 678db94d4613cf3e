"""What an engine tells of containers, as it happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from pipeline.errors import Cancelled, DeadlineExceeded
from pipeline.ports.engine import ContainerEvent
from pipeline.scope import Scope
from tests.contract.world import World

FAILS = "echo out; exit 3"


def told(world: World, since: float | None, last: str) -> list[ContainerEvent]:
    """Events up to the first of that kind."""
    found: list[ContainerEvent] = []
    for event in world.engine.events(world.labels, since=since, scope=world.scope()):
        found.append(event)
        if event.what == last:
            break
    return found


def words(events: list[ContainerEvent]) -> list[str]:
    return [event.what for event in events]


def test_a_stop_is_told_apart_from_an_end_and_a_kill(world: World) -> None:
    begun = time.time() - 1
    ended = world.started("ended", FAILS)
    assert world.engine.wait(ended, world.scope()) == 3
    stopped = world.started("stopped")
    world.engine.stop(stopped)
    killed = world.started("killed")
    world.engine.kill(killed)
    assert world.engine.wait(killed, world.scope()) == 137
    world.engine.remove(killed)

    events = told(world, begun, "destroy")
    of = {
        one: [event for event in events if event.container == one]
        for one in (ended, stopped, killed)
    }
    assert words(of[ended]) == ["create", "start", "die"]
    assert words(of[stopped])[:3] == ["create", "start", "kill"]
    # In either order; on a busy machine its time to end may be over, and it is killed.
    assert set(words(of[stopped])[3:]) - {"kill"} == {"die", "stop"}
    assert words(of[killed]) == ["create", "start", "kill", "die", "destroy"]
    assert [event.exit_code for event in of[ended]] == [None, None, 3]
    assert {event.name for event in of[ended]} == {world.name("ended")}
    assert all(event.labels["contract"] == world.id for event in events)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert all(abs(event.at - time.time()) < 60 for event in events)


def test_only_what_carries_the_labels_is_told(world: World) -> None:
    begun = time.time() - 1
    other = world.engine.create(world.spec("other", labels={"contract": f"not-{world.id}"}))
    world.engine.remove(other)
    world.engine.create(world.spec("mine"))
    (event,) = told(world, begun, "create")
    assert event.name == world.name("mine")


def test_events_come_as_they_happen(world: World) -> None:
    container = world.engine.create(world.spec())
    scope = world.scope()
    events = world.engine.events(world.labels, since=time.time() - 5, scope=scope)
    assert next(events).what == "create"
    world.engine.start(container)
    assert next(events).what == "start"
    scope.cancel()
    with pytest.raises(Cancelled):
        next(events)


def test_waiting_for_events_ends_with_the_scope(world: World) -> None:
    def never(scope: Scope) -> Iterator[ContainerEvent]:
        return world.engine.events({"contract": "nobody"}, scope=scope)

    with pytest.raises(DeadlineExceeded):
        list(never(Scope(0.3, what="listening")))
    scope = Scope(20)
    scope.cancel()
    with suppress(Cancelled):
        list(never(scope))
        raise AssertionError("it should have ended")
