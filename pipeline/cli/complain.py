"""Telling a failure of the command itself: cause, place with the line quoted, next step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, DockcycleError, Problem
from pipeline.events import Notice
from pipeline.render.excerpt import source_line
from pipeline.render.words import lines_of, place

if TYPE_CHECKING:
    from rich.console import RenderableType

Mask = Callable[[str], str]
SHOWN = 20
"""Problems told in full; a file with more is probably something else altogether."""


def complain(error: DockcycleError, output: str, mask: Mask) -> None:
    """Tell ``error`` on stderr, for a person, and in the form of the chosen ``output`` as well."""
    for problem in _problems(error):
        _as_event(problem, output, mask)
    if sys.stderr.isatty() and output not in ("plain", "json", "github"):
        _as_panel(error, mask)
    elif output == "github":
        _as_text_for_github(error, mask)
    else:
        sys.stderr.write("\n".join(_as_text(error, mask)) + "\n")


def _problems(error: DockcycleError) -> list[Notice]:
    if isinstance(error, ConfigError):
        return [
            Notice(level="error", message=p.message, hint=p.hint, where=p.where)
            for p in error.problems
        ]
    return [Notice(level="error", message=error.message, hint=error.hint, where=error.where)]


def _as_event(notice: Notice, output: str, mask: Mask) -> None:
    """For programs: JSON on stdout; GitHub's runner reads annotations from stderr as well, where
    they stand in the way of nothing."""
    if output not in ("json", "github"):
        return
    import os

    from pipeline.render import choose

    stream = sys.stdout if output == "json" else sys.stderr
    told = Notice(level="error", message=mask(notice.message), hint=mask(notice.hint),
                  where=notice.where)  # fmt: skip
    renderer = choose("json" if output == "json" else "github", stream, os.environ)
    renderer(told)
    renderer.close()


def _as_text_for_github(error: DockcycleError, mask: Mask) -> None:
    """A quoted line may look like a command."""
    from pipeline.render.github_commands import CommandWriter

    writer = CommandWriter(sys.stderr)
    for line in _as_text(error, mask):
        writer.text(line)
    writer.close()


def _as_text(error: DockcycleError, mask: Mask) -> Iterator[str]:
    if isinstance(error, ConfigError):
        for problem in error.problems[:SHOWN]:
            yield from _problem_text(problem, mask)
        if (more := len(error.problems) - SHOWN) > 0:
            yield f"and {more} more"
        return
    yield from (f"error: {mask(line)}" for line in lines_of(error.message))
    if error.where:
        yield f"  {place(error.where)}"
    yield from (f"  > {mask(line)}" for line in lines_of(error.detail))
    if error.hint:
        yield f"  next: {mask(' '.join(lines_of(error.hint)))}"


def _problem_text(problem: Problem, mask: Mask) -> Iterator[str]:
    yield f"error: {place(problem.where)}: {mask(' '.join(lines_of(problem.message)))}"
    if line := source_line(problem.where):
        yield f"  {problem.where.line:>5} | {mask(line)}"
    if problem.hint:
        yield f"  next: {mask(' '.join(lines_of(problem.hint)))}"


def _as_panel(error: DockcycleError, mask: Mask) -> None:
    from rich.console import Console

    from pipeline.render.frame import WIDEST
    from pipeline.render.panels import failure, mistakes

    console = Console(stderr=True, highlight=False)
    width = min(console.width, WIDEST)
    panel: RenderableType
    if isinstance(error, ConfigError):
        panel = mistakes(error.problems, width=width, shown=SHOWN)
    else:
        panel = failure(
            "dockcycle", mask(error.message), where=error.where, detail=mask(error.detail),
            hint=mask(error.hint), width=width,
        )  # fmt: skip
    console.print(panel)
