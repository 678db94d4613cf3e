"""A run as an SVG picture, drawn from its stored events by the code that draws the terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from pipeline.events import Event
from pipeline.render.frame import WIDEST, Look, frame
from pipeline.render.panels import closing
from pipeline.render.view import RunView
from pipeline.render.words import UNICODE


def svg(
    events: Iterable[Event], *, title: str = "dockcycle run", until: float | None = None
) -> str:
    """The end of the run, or how it looked at ``until`` (a Unix time).

    The picture names no font to download: it uses the reader's own fixed-width one.
    """
    view = RunView()
    last = 0.0
    for event in events:
        if until is not None and event.at > until:
            break
        view.take(event)
        last = event.at
    look = Look(UNICODE, WIDEST, 10_000, until or last)
    console = Console(record=True, width=WIDEST + 2, file=io.StringIO(), highlight=False,
                      color_system="truecolor", legacy_windows=False)  # fmt: skip
    console.print(*frame(view, look), Text(""), sep="\n")
    if view.finished:
        console.print(closing(view, view.finished, WIDEST))
    return _without_downloads(console.export_svg(title=title, unique_id="dockcycle"))


def _without_downloads(text: str) -> str:
    text = re.sub(r"@font-face \{.*?\}\s*", "", text, flags=re.DOTALL)
    return text.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
