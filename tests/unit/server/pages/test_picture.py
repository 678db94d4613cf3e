"""The stages of a run on one axis of time."""

from __future__ import annotations

from typing import Any

from pipeline.events import (
    Event,
    PlannedStage,
    RunStarted,
    StageFinished,
    StageStarted,
)
from pipeline.render.view import RunView
from pipeline.server.pages.picture import Picture, draw, strip


def drawn(*events: Event, now: float = 110.0) -> Picture:
    view = RunView()
    plan = tuple(
        PlannedStage(key=key, uses=key, action="run", reason="") for key in ("code", "build", "run")
    )
    for event in (RunStarted(stages=plan), *events):
        view.take(event)
    return draw(view, 100.0, now)


def finished(stage: str, at: float, seconds: float, status: Any = "passed") -> list[Event]:
    return [
        StageStarted(stage=stage, at=at - seconds),
        StageFinished(stage=stage, at=at, seconds=seconds, status=status),
    ]


def test_bars_lie_where_their_time_was_and_gaps_stay_empty() -> None:
    code, build, run = drawn(*finished("code", 102, 2), *finished("build", 109, 4)).bars
    assert (code.x, code.width, code.took) == (0, 20, "2.0 s")
    assert (build.x, build.width) == (50, 40)
    assert (run.state, run.width) == ("waiting", 0)


def test_a_running_stage_reaches_to_now_and_a_short_one_is_seen() -> None:
    picture = drawn(*finished("code", 100.001, 0.001), StageStarted(stage="build", at=104))
    assert picture.bars[0].width > 0.5
    assert (picture.bars[1].x, picture.bars[1].width) == (40, 60)
    assert picture.bars[1].took == "6.0 s"


def test_what_was_reused_never_ran() -> None:
    reused = StageFinished(stage="code", at=101, status="reused", reason="nothing has changed")
    bar = drawn(reused).bars[0]
    assert (bar.width, bar.took, bar.line) == (0, "", "nothing has changed")


def test_nothing_leaves_the_axis() -> None:
    picture = drawn(*finished("code", 130, 50), now=101)
    assert all(bar.x >= 0 and bar.x + bar.width <= 100 for bar in picture.bars)


def test_the_axis_has_few_round_marks() -> None:
    for seconds in (0.2, 3, 47, 800, 9_000, 90_000):
        marks = drawn(now=100 + seconds).marks
        assert 2 <= len(marks) <= 7
        assert marks[0].text == "0"
    assert [mark.text for mark in drawn(now=147).marks] == ["0", "10 s", "20 s", "30 s", "40 s"]
    assert drawn(now=100 + 9_000).marks[2].text == "1:00 h"


def test_the_ring_shows_what_is_under_way_once() -> None:
    plan = [{"key": "code"}, {"key": "build"}, {"key": "run"}]
    assert list(strip(plan, {"code": "passed"}, running=True)) == [
        ("code", "passed"), ("build", "running"), ("run", "waiting"),
    ]  # fmt: skip
