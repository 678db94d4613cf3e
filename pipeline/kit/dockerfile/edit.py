"""Changes to the text of a Dockerfile that leave all the rest of it as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.kit.dockerfile import model as m


@dataclass(frozen=True)
class Edit:
    """``text`` in place of what stands from ``start`` to ``end`` (offsets into the file)."""

    start: int
    end: int
    text: str


class Source:
    """The text of a Dockerfile, and where in it each instruction stands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text)), len(text) + 1]

    def span(self, instruction: m.Instruction) -> tuple[int, int]:
        """From the start of its first line to the end of its last, without line end and
        heredocs."""
        return self._starts[instruction.line - 1], self._starts[instruction.end] - 1

    def code(self, instruction: m.Instruction) -> str:
        """Its text with comments, and with what is in quotes, blanked out: as long as the text
        itself, so that places in the one are places in the other."""
        start, end = self.span(instruction)
        lines = self.text[start:end].split("\n")
        bare = [lines[0], *(" " * len(x) if x.lstrip().startswith("#") else x for x in lines[1:])]
        return _QUOTED.sub(lambda match: " " * len(match[0]), "\n".join(bare))


_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)


def apply(text: str, edits: Iterable[Edit]) -> str:
    """``text`` with the edits made; one that overlaps an earlier one of the list is left out,
    several at one place come in the list's order."""
    made: list[Edit] = []
    for edit in edits:
        if not any(edit == one or (edit.start < one.end and one.start < edit.end) for one in made):
            made.append(edit)
    made.reverse()
    for edit in sorted(made, key=lambda each: (-each.start, -each.end)):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text
