"""A run as a picture: its stages on one axis of time, gaps and all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.render.view import RunView, StageView
from pipeline.render.words import UNICODE, WORDS, State, took

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600)
"""Seconds between two marks of the axis."""
MOST_MARKS = 6
NARROWEST = 0.6
"""Per cent of the axis: a bar that short is still seen."""
SHORTEST = 0.5
"""Seconds that the axis has at least."""


@dataclass(frozen=True)
class Mark:
    """A mark of the axis: at how many per cent, and what it says."""

    x: float
    text: str


@dataclass(frozen=True)
class Bar:
    """A stage on the axis. ``x`` and ``width`` are per cent of it; no width: it never started."""

    key: str
    state: State
    x: float = 0.0
    width: float = 0.0
    took: str = ""
    line: str = ""
    """What it came to, or what it is at, in one line."""

    @property
    def word(self) -> str:
        return WORDS[self.state]

    @property
    def sign(self) -> str:
        return UNICODE.states[self.state]


@dataclass(frozen=True)
class Picture:
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    seconds: float


def draw(view: RunView, started: float, now: float) -> Picture:
    """``started`` and ``now`` (of a finished run: its end) are Unix times."""
    ends = [s.started + s.seconds for s in view.stages.values() if s.started]
    span = max([now, *ends]) - started
    span = max(span, SHORTEST)
    bars = tuple(_bar(stage, started, span, now) for stage in view.stages.values())
    return Picture(bars, tuple(_marks(span)), span)


def _bar(stage: StageView, started: float, span: float, now: float) -> Bar:
    running = stage.state == "running"
    seconds = now - stage.started if running else stage.seconds
    line = stage.error.message if stage.error else ""
    if not line:
        line = (stage.doing or stage.reason) if running else stage.summary or stage.reason
    if not stage.started or stage.state in ("waiting", "reused", "skipped"):
        return Bar(stage.key, stage.state, line="" if stage.state == "waiting" else line)
    x = min(max(0.0, (stage.started - started) / span * 100), 100 - NARROWEST)
    width = max(seconds / span * 100, NARROWEST)
    return Bar(
        stage.key, stage.state, round(x, 2), round(min(width, 100 - x), 2), took(seconds), line
    )


def _marks(span: float) -> Iterable[Mark]:
    step = next((step for step in STEPS if span / step <= MOST_MARKS), STEPS[-1])
    number = 0
    while number * step <= span:
        at = number * step
        yield Mark(round(at / span * 100, 2), _clock(at, step))
        number += 1


def _clock(seconds: float, step: float) -> str:
    if seconds == 0:
        return "0"
    if step < 60:
        return f"{seconds:.1f} s" if step < 1 else f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}:{minutes:02d} h" if hours else f"{minutes} min"


def strip(
    plan: Iterable[Mapping[str, str]], done: Mapping[str, str], *, running: bool
) -> Iterator[tuple[str, str]]:
    """(stage, state) of a plan, from the results so far: for the small ring of a run."""
    for step in plan:
        state = done.get(step["key"])
        if state is None:
            state, running = ("running" if running else "waiting"), False
        yield step["key"], state
