"""What a change does to the run that is under way, and whose change it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.app.watch.inbox import GRACE, Change, Inbox, Superseded
from pipeline.errors import Cancelled
from pipeline.events import StageFinished, StageStarted
from pipeline.scope import Scope


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inbox(clock: Clock) -> Inbox:
    return Inbox(clock)


def files(*paths: str) -> Change:
    return Change(paths=frozenset(paths))


def writes(key: str) -> str:
    return {"tests": "code", "dockerfile": "dockerfile", "track": "track"}.get(key, "")


def stage(inbox: Inbox, key: str, act: Callable[[], None]) -> None:
    inbox.follow(StageStarted(stage=key), writes)
    act()
    inbox.follow(StageFinished(stage=key), writes)


def test_a_change_ends_the_run_of_an_older_one(inbox: Inbox) -> None:
    run = Scope()
    with inbox.during(run):
        inbox.put(files("app.py"))
    with pytest.raises(Superseded, match=r"app\.py changed"):
        run.check()
    assert inbox.take() == [files("app.py")]
    assert inbox.take() == []


def test_a_change_just_before_the_run_counts_too(inbox: Inbox) -> None:
    inbox.put(files("app.py"))
    run = Scope()
    with inbox.during(run):
        assert run.cancelled


def test_between_runs_a_change_wakes_the_loop(inbox: Inbox) -> None:
    with inbox.during(Scope()):
        pass
    inbox.put(Change("main is at 4f2c"))
    inbox.wait(Scope(5))
    assert [str(change) for change in inbox.take()] == ["main is at 4f2c"]


def test_ctrl_c_wakes_the_loop(inbox: Inbox) -> None:
    scope = Scope()
    scope.cancel()
    with pytest.raises(Cancelled):
        inbox.wait(scope)


def test_a_dockerfile_that_the_run_writes_is_its_own(inbox: Inbox, clock: Clock) -> None:
    run = Scope()
    with inbox.during(run):
        stage(inbox, "dockerfile", lambda: inbox.put(files("Dockerfile", ".dockerignore")))
        inbox.put(files("Dockerfile"))  # still on its way
        assert not run.cancelled
        clock.seconds += GRACE
        inbox.put(files("Dockerfile"))  # now it is the user's
        assert run.cancelled


def test_what_changes_while_checks_run_is_followed_once(inbox: Inbox, clock: Clock) -> None:
    """A report that the tests write each time must not make the loop go round for ever."""
    run = Scope()
    with inbox.during(run):
        stage(inbox, "tests", lambda: inbox.put(files("report.xml", "app.py")))
    assert not run.cancelled
    assert inbox.left_by_checks() == (files("report.xml", "app.py"), frozenset())
    clock.seconds += GRACE
    with inbox.during(Scope()):
        stage(inbox, "tests", lambda: inbox.put(files("report.xml", "other.py")))
    assert inbox.left_by_checks() == (files("other.py"), {"report.xml"})
    clock.seconds += GRACE
    with inbox.during(Scope()):
        stage(inbox, "tests", lambda: inbox.put(files("report.xml")))
    assert inbox.left_by_checks() == (None, {"report.xml"})


def test_a_branch_that_track_moves_ends_no_run(inbox: Inbox) -> None:
    run = Scope()
    with inbox.during(run):
        stage(inbox, "track", lambda: inbox.put(Change("main is at 4f2c")))
        assert not run.cancelled
    assert inbox.take() == [Change("main is at 4f2c")]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (files("b", "a"), "a, b changed"),
        (files("a", "b", "c", "d", "e"), "a, b, c and 2 more changed"),
        (Change(bases=("python:3.13-slim",)), "python:3.13-slim moved"),
        (Change("main is at 4f2c"), "main is at 4f2c"),
    ],
)
def test_a_change_in_words(change: Change, told: str) -> None:
    assert str(change) == told
