from __future__ import annotations

import threading

import pytest

from pipeline.adapters import guard as guard_module
from pipeline.adapters.guard import guarded
from pipeline.errors import Cancelled, DeadlineExceeded, EngineUnavailable
from pipeline.scope import Scope


def test_nothing_is_cut_without_need() -> None:
    cut = threading.Event()
    with guarded(cut.set, Scope(60), limit=60) as guard:
        pass
    assert not cut.is_set()
    assert not guard.timed_out
    guard.check()


def test_the_limit_cuts() -> None:
    cut = threading.Event()
    with guarded(cut.set, Scope(60), limit=0.1) as guard:
        assert cut.wait(10)
    assert guard.timed_out
    guard.check()


def test_the_deadline_of_the_scope_cuts() -> None:
    cut = threading.Event()
    with guarded(cut.set, Scope(0.1), limit=60) as guard:
        assert cut.wait(10)
    assert not guard.timed_out
    with pytest.raises(DeadlineExceeded):
        guard.check()


def test_cancelling_cuts_at_once() -> None:
    cut, scope = threading.Event(), Scope(60)
    with guarded(cut.set, scope) as guard:
        scope.cancel()
        assert cut.is_set()
    with pytest.raises(Cancelled):
        guard.check()


def test_a_probe_that_fails_cuts_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "PROBE_EVERY", 0.05)
    cut, asked = threading.Event(), []

    def probe() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise EngineUnavailable("frozen")

    with guarded(cut.set, Scope(60), probe=probe) as guard:
        assert cut.wait(10)
    with pytest.raises(EngineUnavailable):
        guard.check()
    assert len(asked) == 3
