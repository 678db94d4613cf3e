"""The log of a run as lines of HTML, the same whether they are old or have just been printed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.events import (
    CheckFinished,
    ErrorInfo,
    Event,
    Notice,
    StageFinished,
    StageLog,
    StageStarted,
)
from pipeline.render.words import (
    UNICODE,
    check_text,
    lines_of,
    notice_text,
    place,
    step_text,
)
from pipeline.server.pages.ansi import to_html

SHOWN = 1000
"""Lines of a stage that a page begins with, the last ones."""
GENERAL = ""
"""The stage of what belongs to none."""
_LINE = Markup('<div class="line {}">{}</div>\n')


@dataclass(frozen=True)
class Line:
    """One line: of which stage, of what kind (a class of the style sheet), and what it says."""

    stage: str
    kind: str
    text: Markup

    @property
    def html(self) -> Markup:
        return _LINE.format(self.kind, self.text)


class LogWriter:
    """Turns events into lines. It remembers the step that each stage is at, so that a step is
    announced once; give it all events from the first on."""

    def __init__(self) -> None:
        self._steps: dict[str, str] = {}

    def lines(self, event: Event) -> Iterator[Line]:
        """The lines of one event."""
        match event:
            case StageLog():
                yield from self._logged(event)
            case StageStarted() if event.attempt > 1:
                yield _plain(event.stage, "step", f"attempt {event.attempt}")
            case CheckFinished():
                state = "passed" if event.passed else "failed"
                sign = UNICODE.check(event)
                yield _plain(event.stage, state, f"{sign} {check_text(event)}")
            case Notice():
                yield _plain(event.stage or GENERAL, event.level, notice_text(event))
                if event.hint:
                    yield _plain(event.stage or GENERAL, "hint", event.hint)
            case StageFinished(error=ErrorInfo() as error):
                yield from _error(event.stage, error)

    def skip(self, event: Event) -> None:
        """Account for an event whose lines are known."""
        if isinstance(event, StageLog):
            self._announce(event)

    def _logged(self, event: StageLog) -> Iterator[Line]:
        if step := self._announce(event):
            yield _plain(event.stage, "step", step)
        yield Line(event.stage, event.stream, to_html(event.line))

    def _announce(self, event: StageLog) -> str:
        """The step, if it is a new one."""
        step = step_text(event.step)
        if not step or self._steps.get(event.stage) == step:
            return ""
        self._steps[event.stage] = step
        return step


def _error(stage: str, error: ErrorInfo) -> Iterator[Line]:
    yield _plain(stage, "failed", f"{UNICODE.states['failed']} {error.message}")
    if error.where:
        yield _plain(stage, "hint", f"at {place(error.where)}")
    for line in lines_of(error.detail):
        yield _plain(stage, "detail", line)
    if error.hint:
        yield _plain(stage, "hint", error.hint)


def _plain(stage: str, kind: str, text: str) -> Line:
    return Line(stage, kind, to_html(text))


@dataclass(frozen=True)
class StageLogView:
    """The end of one stage's log; ``dropped`` lines before it are not shown."""

    stage: str
    lines: Markup
    count: int
    dropped: int


def collect(events: Iterable[Event], stages: Iterable[str]) -> list[StageLogView]:
    """The log by stages: of ``stages`` each, printed something or not, in their order."""
    writer = LogWriter()
    counts: dict[str, int] = dict.fromkeys(stages, 0)
    kept: dict[str, deque[Markup]] = {}
    for event in events:
        for line in writer.lines(event):
            counts[line.stage] = counts.get(line.stage, 0) + 1
            kept.setdefault(line.stage, deque(maxlen=SHOWN)).append(line.html)
    return [
        StageLogView(stage, Markup("").join(kept.get(stage, ())), count, max(0, count - SHOWN))
        for stage, count in counts.items()
    ]
