"""What linters found, told: for people, for programs, and as annotations."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pipeline.errors import Location
from pipeline.events import Level, Notice

if TYPE_CHECKING:
    from pipeline.app.lint import Linted
    from pipeline.artifacts import Finding

_LEVELS: Mapping[str, Level] = {
    "error": "error", "warning": "warning", "info": "info", "style": "info",
}  # fmt: skip


def as_rows(found: Sequence[Linted]) -> list[dict[str, Any]]:
    """For JSON."""
    return [
        {
            "file": linted.draft.path,
            **finding.model_dump(),
            "severe": finding in linted.severe,
            "fixable": linted.mends(finding),
        }
        for linted, finding in _pairs(found)
    ]


def as_events(found: Sequence[Linted], how: Literal["json", "github"]) -> None:
    """As a run tells them."""
    from pipeline.render import choose

    renderer = choose(how, sys.stdout, os.environ)
    for linted, finding in _pairs(found):
        level: Level = "error" if finding in linted.severe else _LEVELS[finding.level]
        renderer(
            Notice(level=level, message=finding.message, hint=finding.hint, rule=finding.rule,
                   where=_where(linted, finding))
        )  # fmt: skip
    renderer.close()


def as_text(found: Sequence[Linted]) -> None:
    """Place, line, why, what to do; how many in all."""
    from pipeline.cli.output import print_line
    from pipeline.render.excerpt import source_line
    from pipeline.render.words import place

    for linted, finding in _pairs(found):
        where = _where(linted, finding)
        print_line(f"{place(where)}: {finding.level}: {finding.message} [{finding.rule}]")
        if line := source_line(where):
            print_line(f"  {where.line:>5} | {line}")
        if hint := _hint(linted, finding):
            print_line(f"  next: {hint}")
    print_line(_total(found))


def _hint(linted: Linted, finding: Finding) -> str:
    mended = "`dockcycle lint --fix` mends it" if linted.is_users and linted.mends(finding) else ""
    return "; ".join(part for part in (mended, finding.hint) if part)


def _pairs(found: Sequence[Linted]) -> Iterator[tuple[Linted, Finding]]:
    return ((linted, finding) for linted in found for finding in linted.findings)


def _where(linted: Linted, finding: Finding) -> Location:
    inline = linted.draft.origin == "inline"
    return Location(str(linted.draft.path), None if inline else finding.line or None)


def _total(found: Sequence[Linted]) -> str:
    levels = Counter(finding.level for _, finding in _pairs(found))
    if not levels:
        return f"Nothing found in {_count(len(found), 'Dockerfile')}."
    listed = ", ".join(f"{count} {level}" for level, count in levels.items())
    fixable = sum(linted.mends(finding) for linted, finding in _pairs(found))
    mend = f"; `dockcycle lint --fix` mends {fixable}" if fixable else ""
    return f"{_count(levels.total(), 'finding')} ({listed}){mend}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
