"""Does every stage find what it needs? Evidence flows from earlier entries to later ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.artifacts import Artifact
from pipeline.config.pipeline import Entry
from pipeline.errors import Problem

Makers = Callable[[type[Artifact]], Sequence[str]]


def check_dataflow(entries: Sequence[Entry], makers: Makers = lambda kind: ()) -> list[Problem]:
    """A problem for each kind of evidence that a stage needs and no earlier one makes.

    ``makers`` names the stages that could make it, for the hint; it is asked only then.
    """
    problems: list[Problem] = []
    made: set[type[Artifact]] = set()
    for at, entry in enumerate(entries):
        missing = sorted(entry.stage_class.needs - made, key=lambda kind: kind.__name__)
        later = entries[at + 1 :]
        problems += [_problem(entry, kind, later, makers) for kind in missing]
        # What is missing was told once; later stages are not to repeat it.
        made |= entry.stage_class.makes | entry.stage_class.needs
    return problems


def _problem(entry: Entry, kind: type[Artifact], later: Sequence[Entry], makers: Makers) -> Problem:
    message = f"{entry.key} needs {kind.__name__}, which no earlier stage makes"
    after = [other.key for other in later if kind in other.stage_class.makes]
    if after:
        return Problem(message, entry.where, f"Put {after[0]} before {entry.key}.")
    able = " or ".join(makers(kind))
    if able:
        return Problem(message, entry.where, f"Add a stage before it that does: {able}.")
    return Problem(message, entry.where, "None of the stages that are installed makes it.")
