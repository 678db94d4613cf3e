from collections.abc import Callable

import pytest

from pipeline.errors import Cancelled, RegistryDenied, RegistryUnavailable
from pipeline.kit.retry import retry
from pipeline.scope import Scope
from tests.support.smoke import JumpingClock


def failing(*errors: Exception) -> Callable[[], str]:
    script = list(errors)

    def attempt() -> str:
        if script:
            raise script.pop(0)
        return "done"

    return attempt


DOWN = RegistryUnavailable("the registry answers 503")


def test_tries_again_with_growing_jittered_pauses() -> None:
    clock, told = JumpingClock(), []
    assert retry(failing(*[DOWN] * 4), clock=clock, scope=Scope(), tell=told.append) == "done"
    for slept, pause in zip(clock.slept, [0.5, 1, 2, 4], strict=True):
        assert pause / 2 <= slept <= pause
    assert told[0].startswith("the registry answers 503; trying again in 0.")


def test_gives_up_with_the_last_error() -> None:
    clock = JumpingClock()
    with pytest.raises(RegistryUnavailable, match="last"):
        retry(failing(DOWN, RegistryUnavailable("last")), clock=clock, scope=Scope(), attempts=2)
    assert len(clock.slept) == 1


def test_a_refusal_is_not_tried_again() -> None:
    clock = JumpingClock()
    with pytest.raises(RegistryDenied):
        retry(failing(RegistryDenied("no")), clock=clock, scope=Scope())
    assert clock.slept == []


def test_waits_as_long_as_the_registry_asks() -> None:
    clock = JumpingClock()
    busy = RegistryUnavailable("too many requests", retry_after=7)
    assert retry(failing(busy), clock=clock, scope=Scope()) == "done"
    assert clock.slept == [7]


def test_does_not_begin_a_wait_that_the_scope_cannot_bear() -> None:
    clock = JumpingClock()
    busy = RegistryUnavailable("too many requests", retry_after=3600)
    with pytest.raises(RegistryUnavailable):
        retry(failing(busy), clock=clock, scope=Scope(60))
    assert clock.slept == []


def test_a_cancelled_scope_ends_the_waiting() -> None:
    scope = Scope()
    scope.cancel()
    with pytest.raises(Cancelled):
        retry(failing(DOWN), clock=JumpingClock(), scope=scope)


def test_an_attempt_that_took_its_time_to_fail_is_the_last() -> None:
    clock = JumpingClock()

    def slow() -> str:
        clock.seconds += 40
        raise DOWN

    with pytest.raises(RegistryUnavailable):
        retry(slow, clock=clock, scope=Scope())
    assert len(clock.slept) == 1
