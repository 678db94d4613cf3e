"""The terminal: a line per stage that lives, the output of what runs, a closing panel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from rich.console import Console, ConsoleRenderable, Group
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from pipeline.events import Event, Notice, RunFinished, RunStarted, StageFinished
from pipeline.render.frame import WIDEST, Look, frame, remark_lines, stage_line
from pipeline.render.panels import closing
from pipeline.render.view import RunView
from pipeline.render.words import glyphs_for, notice_text

BEATS = 8
"""Pictures per second."""


class RichRenderer:
    """Draws on a terminal; into a file (``--output rich >log``) it writes each line once."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._console = PoliteConsole(file=stream, highlight=False, _environ=environ)
        self._glyphs = glyphs_for(stream)
        self._view = RunView()
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._live: SteadyLive | None = None

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._view.take(event)
        match event:
            case RunStarted() if self._console.is_terminal:
                self._live = SteadyLive(self._console, self._picture)
                self._live.start()
            case RunStarted():
                self._console.print(*self._picture()[:2], sep="\n")
            case StageFinished() if not self._live:
                stage = self._view.stages[event.stage]
                look = self._look()
                lines = [stage_line(self._view, stage, look), *remark_lines(stage, look)]
                self._console.print(*lines, sep="\n")
            case Notice() if not event.stage:
                style = "dim" if event.level == "info" else "yellow"
                self._console.print(Text(notice_text(event), style))
            case RunFinished():
                self.close()
                self._console.print(closing(self._view, event, self._look().width))
            case _:
                pass

    def close(self) -> None:
        """Draw the last picture and let go of the terminal."""
        if self._live:
            self._live.stop()
            self._live = None

    def _picture(self) -> list[Text]:
        with self._lock:
            return frame(self._view, self._look())

    def _look(self) -> Look:
        done = self._view.finished is not None
        return Look(
            glyphs=self._glyphs,
            width=min(self._console.width, WIDEST),
            height=10_000 if done else self._console.height - 1,
            now=time.time(),
            beat=int((time.monotonic() - self._start) * BEATS),
        )


class PoliteConsole(Console):
    """Never hides the cursor: then no way to die can leave it hidden."""

    def show_cursor(self, show: bool = True) -> bool:
        return False


class SteadyLive(Live):
    """A live region of single lines that survives a change of the terminal's width.

    When a terminal gets narrower it wraps the lines that are already there, and what was N lines
    takes more rows; they are counted again before the next picture goes over them. An empty line
    at the end is where the cursor rests.
    """

    def __init__(self, console: Console, picture: Callable[[], list[Text]]) -> None:
        self._picture = picture
        self._next: list[Text] = []
        self._drawn: list[int] = []
        """Widths of the lines that are on the screen."""
        super().__init__(
            console=console, refresh_per_second=BEATS, vertical_overflow="crop",
            get_renderable=self._compose,
        )  # fmt: skip

    def _compose(self) -> Group:
        self._next = self._picture()
        return Group(*self._next, Text(""))

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Go up over rows that came from wrapping, too, then as usual."""
        width = max(1, self.console.width)
        wrapped = sum((cells - 1) // width for cells in self._drawn if cells > width)
        self._drawn = [line.cell_len for line in self._next]
        row = ((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2))
        return [Control(*row * wrapped), *super().process_renderables(renderables)]
