"""How commands that are no run print: tables, fields, lines, JSON; foreign text made harmless."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.kit.text import human_duration, sanitize

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

STATE_STYLES = {
    "passed": "green", "live": "green", "in place": "green", "running": "cyan", "ok": "green",
    "healthy": "green", "reused": "blue", "failed": "red", "degraded": "red", "unhealthy": "red",
    "error": "red", "warning": "yellow", "interrupted": "yellow", "lost": "yellow",
    "stopped": "yellow", "cancelled": "yellow", "skipped": "dim", "absent": "dim", "run": "cyan",
    "reuse": "blue", "skip": "dim",
}  # fmt: skip
GAP = 2
"""Columns between two cells of a table."""
HALF_A_YEAR = 182 * 86400.0
UNCUT = 100_000
"""Columns when nobody looks: a table in a pipe is never cut."""


def print_json(value: object) -> None:
    """Dataclasses, models and plain data as one JSON document."""
    text = json.dumps(value, indent=2, default=_plain)
    sys.stdout.write(text + "\n")


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return str(value)


def print_line(line: str) -> None:
    sys.stdout.write(sanitize(line) + "\n")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], empty: str = "",
    spare: Sequence[str] = (),
) -> None:  # fmt: skip
    """A table without borders; ``empty`` is said on stderr when there are no rows. Columns of
    ``spare`` are left out, in this order, where there is no room for all."""
    rows = list(rows)
    if not rows:
        sys.stderr.write(f"{empty}\n" if empty else "")
        return
    print_rich(table(columns, rows, spare=spare))


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, spare: Sequence[str] = ()
) -> Table:
    """The same, to be shown with something else."""
    from rich.table import Table
    from rich.text import Text

    columns, rows = _that_fit(columns, rows, spare)
    made = Table(box=None, pad_edge=False, header_style="dim", show_header=any(columns))
    for number, column in enumerate(columns):
        last = number == len(columns) - 1
        made.add_column(column, no_wrap=not last, overflow="fold" if last else "ellipsis")
    for row in rows:
        made.add_row(*(Text(sanitize(cell), STATE_STYLES.get(cell, "")) for cell in row))
    return made


def _that_fit(
    columns: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str]
) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    room = console().width
    for name in spare:
        widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
        if sum(widths) + GAP * (len(widths) - 1) <= room:
            break
        gone = columns.index(name)
        columns, *rows = [(*line[:gone], *line[gone + 1 :]) for line in (columns, *rows)]
    return columns, rows


def print_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Names and values, one a line; empty values are left out."""
    print_rich(grid(fields))


def grid(fields: Iterable[tuple[str, str]]) -> Table:
    """The same, to be shown with something else."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in fields:
        if value:
            made.add_row(name, Text(sanitize(value), STATE_STYLES.get(value, "")))
    return made


def console(width: int | None = None) -> Console:
    """Standard output; wide enough for everything when it is no terminal."""
    from rich.console import Console

    if width is None and not sys.stdout.isatty():
        width = UNCUT
    return Console(file=sys.stdout, highlight=False, width=width)


def print_rich(renderable: Any) -> None:
    """Anything that rich can show, without spaces at the ends of lines."""
    out = console()
    with out.capture() as capture:
        out.print(renderable)
    sys.stdout.write("\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n")


def clock_time(seconds: float | None) -> str:
    """A Unix time as people here write it."""
    if seconds is None:
        return ""
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def moment(seconds: float) -> str:
    """A Unix time as short as it stays clear: of the last half year without the year."""
    then = datetime.fromtimestamp(seconds, UTC).astimezone()
    near = time.time() - seconds < HALF_A_YEAR
    return f"{then:%d %b %H:%M}" if near else f"{then:%d %b %Y}"


def ago(moment: str) -> str:
    """``3 h ago`` of an ISO 8601 time; what is none stays as it is."""
    try:
        then = datetime.fromisoformat(moment[:26].rstrip("Z"))
    except ValueError:
        return moment
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return f"{human_duration(max(0.0, time.time() - then.timestamp()))} ago"
