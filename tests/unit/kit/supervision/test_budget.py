"""Repairs come with growing pauses, and only so many in a while."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.kit.supervision import Budget, Limits

LIMITS = Limits(repairs=4, within=100, first_pause=1, longest_pause=5)


def test_the_first_repair_is_made_at_once_and_the_others_after_growing_pauses() -> None:
    budget, now, waits = Budget(LIMITS), 50.0, []
    assert budget.wait(now) == 0
    for _ in range(3):
        budget.charge(now)
        waits.append(budget.wait(now))
        now += waits[-1]
    for wait, longest in zip(waits, (1, 2, 4), strict=True):
        assert longest / 2 <= wait <= longest
    assert not budget.spent(now)
    budget.charge(now)
    assert budget.spent(now)
    assert budget.wait(now) > 90


def test_after_a_while_there_is_a_budget_again() -> None:
    budget = Budget(LIMITS)
    budget.charge(0, 4)
    assert budget.spent(99)
    assert not budget.spent(100)
    assert budget.wait(100) == 0


@given(st.lists(st.floats(0, 60), max_size=60))
def test_never_more_than_the_budget_in_any_window(pauses: list[float]) -> None:
    budget, now, made = Budget(LIMITS), 0.0, []
    for pause in pauses:
        now += pause
        if budget.wait(now) == 0:
            budget.charge(now)
            made.append(now)
    for first, beyond in zip(made, made[LIMITS.repairs :], strict=False):
        assert beyond - first >= LIMITS.within


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20))
def test_restarts_by_the_engine_count_however_many_there_are(restarts: list[int]) -> None:
    budget = Budget(LIMITS)
    for number, count in enumerate(restarts):
        budget.charge(float(number), count)
        assert budget.spent(number) == (sum(restarts[: number + 1]) >= LIMITS.repairs)
        assert budget.wait(number) > 0
