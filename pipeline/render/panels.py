"""What stands below the stages at the end: what the run came to, or why it failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeline.errors import Location, Problem
from pipeline.events import RunFinished
from pipeline.kit.text import sanitize
from pipeline.render.excerpt import source_line
from pipeline.render.view import RunView
from pipeline.render.words import OUTCOME, TITLES, lines_of, place, serving_text, took

DETAIL = 50
"""Lines of evidence shown, counted from the end."""


def closing(view: RunView, end: RunFinished, width: int) -> Panel:
    """The panel for a run that has finished."""
    failed, live = view.failed, serving_text(end)
    if failed is not None and failed.error is not None:
        error = failed.error
        title = f"{failed.key} failed after {took(end.seconds)}"
        return failure(title, error.message, where=error.where, detail=error.detail,
                       hint=error.hint, live=live, width=width)  # fmt: skip
    if end.status == "passed":
        return success(view.project, end, width)
    title = f"{end.status} after {took(end.seconds)}"
    message = "What the run had started is cleaned up."
    hint = "`dockcycle run` starts again."
    return failure(title, message, hint=hint, live=live, width=width, style="yellow")


def success(project: str, end: RunFinished, width: int) -> Panel:
    """URL, release, image, digest, commit and total time."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim")
    rows.add_column(overflow="fold")
    for name in OUTCOME:
        if value := sanitize(end.outcome.get(name, "")):
            rows.add_row(TITLES[name], Text(value, "bold cyan" if name == "url" else ""))
    rows.add_row("Time", took(end.seconds))
    release = end.outcome.get("release")
    title = f"{project} {release} is live" if release else f"{project} passed"
    return _panel(rows, title, width, "green")


def failure(
    title: str, message: str, *, where: Location | None = None, detail: str = "", hint: str = "",
    live: str = "", width: int, style: str = "red",
) -> Panel:  # fmt: skip
    """Evidence, cause, place with the line quoted, next step, and what serves now: the end is what
    a screen shows, and evidence may be longer than one. Lines have no border beside them, so that
    they can be copied.
    """
    parts: list[RenderableType] = [*_evidence(detail), ""] if detail else []
    parts.append(Text("\n".join(lines_of(message)), "bold"))
    if where is not None:
        parts += ["", *quotation(where)]
    if hint:
        parts += ["", _word("Next", hint)]
    if live:
        parts += [] if hint else [""]
        parts.append(_word("Live", live))
    return _panel(Group(*parts), title, width, style)


def mistakes(problems: Sequence[Problem], *, width: int, shown: int) -> Panel:
    """Every mistake in a file: what, where with the line quoted, next step."""
    parts: list[RenderableType] = []
    for number, problem in enumerate(problems[:shown]):
        parts += [""] * (number > 0)
        parts.append(Text("\n".join(lines_of(problem.message)), "bold"))
        parts += quotation(problem.where)
        if problem.hint:
            parts.append(_word("Next", problem.hint))
    if (more := len(problems) - shown) > 0:
        parts += ["", Text(f"and {more} more", "dim")]
    count = "a mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
    title = f"{count} in {place(Location(problems[0].where.file))}"
    return _panel(Group(*parts), title, width, "red")


def _word(word: str, text: str) -> Text:
    return Text.assemble((f"{word}  ", "bold cyan"), " ".join(lines_of(text)))


def quotation(where: Location) -> Iterable[Text]:
    """The place, and the line that is there."""
    yield Text(place(where), "cyan")
    if line := source_line(where):
        yield Text.assemble((f"{where.line:>5} │ ", "dim"), line, no_wrap=True, overflow="ellipsis")


def _evidence(detail: str) -> Iterable[Text]:
    lines = list(lines_of(detail))
    if (dropped := len(lines) - DETAIL) > 0:
        yield Text(f"  ({dropped} lines before)", "dim")
    yield from (Text(line) for line in lines[-DETAIL:])


def _panel(content: RenderableType, title: str, width: int, style: str) -> Panel:
    return Panel(
        content, title=Text(sanitize(title), f"bold {style}"), title_align="left",
        box=box.HORIZONTALS, border_style=style, width=width, padding=(0, 1),
    )  # fmt: skip
