"""Procfile: the start command where Heroku and its heirs look for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.kit.authoring.tree import Tree

_LINE = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(.+)")
_NOT_STARTED = frozenset({"release"})
"""Run once before a start, by those who know it."""


@dataclass(frozen=True)
class Process:
    name: str
    command: str
    line: int | None

    @property
    def listens(self) -> bool:
        """By convention only ``web`` is reached from outside."""
        return self.name == "web"


def processes(tree: Tree) -> Mapping[str, Process]:
    """All that the Procfile names, in its order; empty without one."""
    found = {}
    for text in tree.lines("Procfile"):
        if match := _LINE.fullmatch(text):
            line = tree.line_of("Procfile", text)
            found[match[1]] = Process(match[1], match[2].strip(), line)
    return found


def main(tree: Tree) -> Process | None:
    """``web``, or the only process that there is."""
    known = processes(tree)
    others = [process for name, process in known.items() if name not in _NOT_STARTED]
    return known.get("web") or (others[0] if len(others) == 1 else None)
