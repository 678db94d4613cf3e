"""One client at a time, and the dead do not keep what they had."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.fake_engine import FakeClock, FakeEngine
from pipeline.errors import EngineUnavailable, Locked
from pipeline.kit import lease
from pipeline.kit.lease import LEASE, Lease
from pipeline.scope import Scope

PATIENCE = 20.0


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


def client(engine: FakeEngine, name: str, project: str = "hello") -> Lease:
    return Lease(engine, project, name, FakeClock())


def names(engine: FakeEngine) -> list[str]:
    return sorted(volume.name for volume in engine.volumes({}))


@pytest.fixture
def dead(engine: FakeEngine) -> Iterator[Lease]:
    """Of a client that was killed while it held it."""
    holder = client(engine, "dead")
    holder._acquire("run 1", 0, Scope(), lambda _: None)
    yield holder


def test_a_second_client_is_told_who_has_it(engine: FakeEngine) -> None:
    with client(engine, "one").hold("run 1", wait=0, scope=Scope()):
        two = Lease(engine, "hello", "two", FakeClock())
        found = two.holder()
        assert found is not None and found.what == "run 1"
        assert client(engine, "two", "other").holder() is None
    assert client(engine, "two").holder() is None
    assert names(engine) == []


def test_while_it_is_renewed_it_is_kept(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEW", 0.01)
    two = Lease(engine, "hello", "two", SystemClock())
    monkeypatch.setattr(lease, "POLL", 0.05)
    with (
        client(engine, "one").hold("run 1", wait=0, scope=Scope()),
        pytest.raises(Locked, match="run 1"),
        two.hold("run 2", wait=0, scope=Scope()),
    ):
        raise AssertionError("two have it")
    with two.hold("run 2", wait=PATIENCE, scope=Scope()):
        assert len(names(engine)) >= 1
    assert names(engine) == []


def test_the_dead_lose_it_after_the_lease(engine: FakeEngine, dead: Lease) -> None:
    waiting: list[str] = []
    clock = FakeClock()
    two = Lease(engine, "hello", "two", clock)
    with two.hold("run 2", wait=0, scope=Scope(), on_wait=lambda h: waiting.append(h.what)):
        assert names(engine) == ["dockcycle-lock.hello.000002"]
    assert waiting == ["run 1"]
    assert LEASE < clock.seconds < LEASE + 3
    assert names(engine) == []


def test_what_a_dead_process_of_the_same_client_left_is_taken_at_once(
    engine: FakeEngine, dead: Lease
) -> None:
    again = Lease(engine, "hello", "dead", clock := FakeClock())
    with again.hold("run 2", wait=0, scope=Scope()):
        assert clock.seconds == 0


def test_one_that_died_between_two_leases_is_dead_too(engine: FakeEngine, dead: Lease) -> None:
    (mine,) = dead._all()
    assert dead._make(lease.Holder(2, mine.nonce, mine.client, mine.what, mine.since))
    with client(engine, "two").hold("run 2", wait=0, scope=Scope()):
        assert names(engine) == ["dockcycle-lock.hello.000003"]


def test_a_holder_that_was_given_up_for_dead_stops(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEW", 0.3)
    ended = threading.Event()
    with ExitStack() as stack:
        scope = stack.enter_context(client(engine, "one").hold("run 1", wait=0, scope=Scope()))
        scope.on_cancel(ended.set)
        two = client(engine, "two")
        two._look()
        monkeypatch.setattr(two, "_is_dead", lambda holder: True)
        taken = two._take("run 2", "now", two._look())
        assert ended.wait(PATIENCE)
        with pytest.raises(Locked, match="taken over by another client"):
            scope.check()
    assert taken is None or [one.nonce for one in two._all()] == [taken.nonce]


def test_a_holder_that_cannot_reach_the_engine_for_too_long_stops(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEW", 0.01)
    monkeypatch.setattr(lease, "LEASE", 0.5)
    ended = threading.Event()
    one = Lease(engine, "hello", "one", SystemClock())
    with one.hold("run 1", wait=0, scope=Scope()) as scope:
        scope.on_cancel(ended.set)
        engine.state.fail_always("create_volume", EngineUnavailable("gone"))
        assert ended.wait(PATIENCE)


def test_of_many_at_once_one_has_it(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "POLL", 0.005)
    inside, most, failed = [0], [0], []

    def work(name: str) -> None:
        mine = Lease(engine, "hello", name, SystemClock())
        try:
            for _ in range(3):
                with mine.hold(name, wait=PATIENCE, scope=Scope(PATIENCE)):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    inside[0] -= 1
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failed.append(error)

    threads = [threading.Thread(target=work, args=(f"c{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failed, most, names(engine)) == ([], [1], [])
