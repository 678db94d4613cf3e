"""Deadlines and cancellation arrive in one way, wherever one waits."""

from __future__ import annotations

import math
import threading
import time

import pytest

from pipeline.errors import Cancelled, DeadlineExceeded
from pipeline.scope import Scope


def test_a_child_never_outlives_its_parent() -> None:
    parent = Scope(10)
    assert parent.child(100).remaining() <= 10
    assert parent.child(1).remaining() <= 1
    assert Scope().remaining() == math.inf
    assert Scope().remaining(5) == 5


def test_cancelling_the_parent_wakes_who_waits_in_the_child() -> None:
    parent = Scope()
    child = parent.child(60)
    threading.Timer(0.05, parent.cancel).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        child.sleep(30)
    assert time.monotonic() - begun < 10


def test_cancelling_a_child_leaves_the_parent() -> None:
    parent = Scope()
    parent.child().cancel()
    parent.check()
    assert not parent.cancelled


def test_a_deadline_names_what_was_late_and_its_limit() -> None:
    scope = Scope(0, what="stage build")
    with pytest.raises(DeadlineExceeded, match=r"stage build did not finish .* of 0 s"):
        scope.check()


def test_the_limit_that_is_named_is_the_one_that_was_reached() -> None:
    stage = Scope(600, what="run").child(0, what="stage track")
    with pytest.raises(DeadlineExceeded, match=r"stage track did not finish .* of 0 s"):
        stage.child(300, what="the exchange with origin").check()
    with pytest.raises(DeadlineExceeded, match=r"stage track did not finish .* of 0 s"):
        stage.child(None, what="fetching").check()
    with pytest.raises(DeadlineExceeded, match=r"fetching did not finish .* of 0 s"):
        Scope(600, what="run").child(0, what="fetching").check()


def test_callbacks_run_once_and_can_be_taken_back() -> None:
    scope, calls = Scope(), []
    with scope.cancelling(lambda: calls.append("left")):
        pass
    scope.on_cancel(lambda: calls.append("kept"))
    scope.cancel()
    scope.cancel()
    scope.on_cancel(lambda: calls.append("late"))
    assert calls == ["kept", "late"]


def test_the_first_reason_wins() -> None:
    scope = Scope()
    scope.cancel(DeadlineExceeded("first"))
    scope.cancel(Cancelled("second"))
    with pytest.raises(DeadlineExceeded, match="first"):
        scope.check()
