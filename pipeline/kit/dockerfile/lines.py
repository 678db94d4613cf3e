"""From the lines of a file to whole statements: directives, comments, continued lines, heredocs.

Follows BuildKit's parser: a line ends at ``\\n`` only, comments and empty lines within a continued
statement are dropped, and directives count only before anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.errors import Location, StageFailed
from pipeline.kit.dockerfile import words

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_KNOWN_DIRECTIVES = frozenset({"syntax", "escape", "check"})


@dataclass(frozen=True)
class Statement:
    """``text`` keeps a newline where a line was continued. A comment starts with ``#``; an empty
    text is one or more empty lines."""

    text: str
    line: int
    end: int = 0
    """Its last line, heredocs left out."""


class Lines:
    """Reads one Dockerfile. ``file`` is its name for messages."""

    def __init__(self, text: str, file: str) -> None:
        self._lines: Sequence[str] = text.removeprefix("\ufeff").split("\n")
        self._file = file
        self._next = 0
        self.directives = tuple(self._directives())
        self.escape = dict(self.directives).get("escape", "\\")
        mark = re.escape(self.escape)
        self._continued = re.compile(rf"(.*?)(?<!{mark}){mark}[ \t]*", re.DOTALL)

    def fail(self, message: str, line: int, hint: str = "") -> StageFailed:
        """The error for a mistake at ``line``."""
        where = Location(self._file, line)
        return StageFailed(message, hint=hint, where=where)

    def statements(self) -> Iterator[Statement]:
        """All of them, comments and empty lines included. Lazily: after a statement that announces
        heredocs, ``heredocs`` must be asked for them before the next one."""
        while self._next < len(self._lines):
            start = self._next + 1
            line = self._take().lstrip()
            if not line or line.startswith("#"):
                yield Statement(line.rstrip(), start, start)
                continue
            whole = self._whole(line)
            yield Statement(whole.strip(), start, self._next)

    def heredocs(self, text: str, start: int) -> tuple[str, ...]:
        """The contents that the statement ``text`` at line ``start`` announces.

        Raises:
            StageFailed: one does not end.
        """
        return tuple(self._heredoc(*marker, start) for marker in words.markers(text))

    def _directives(self) -> Iterator[tuple[str, str]]:
        seen: set[str] = set()
        while self._next < len(self._lines):
            match = _DIRECTIVE.fullmatch(self._lines[self._next].strip())
            name = match[1].lower() if match else ""
            if match is None or name not in _KNOWN_DIRECTIVES:
                return
            self._next += 1
            if name in seen:
                raise self.fail(f"the directive {name} is given twice", self._next)
            if name == "escape" and match[2] not in ("\\", "`"):
                raise self.fail("escape is either \\ or `", self._next)
            seen.add(name)
            yield name, match[2]

    def _take(self) -> str:
        self._next += 1
        return self._lines[self._next - 1].rstrip("\r")

    def _whole(self, line: str) -> str:
        """``line`` with the lines that continue it."""
        parts = []
        while match := self._continued.fullmatch(line):
            parts.append(match[1])
            line = ""
            while self._next < len(self._lines):
                line = self._take()
                if line.strip() and not line.lstrip().startswith("#"):
                    break
                line = ""
            if not line:
                break
        return "\n".join([*parts, line] if line else parts)

    def _heredoc(self, name: str, chomp: bool, start: int) -> str:
        body = ""
        while self._next < len(self._lines):
            line = self._lines[self._next]
            self._next += 1
            bare = line.rstrip("\r")
            if (bare.lstrip("\t") if chomp else bare) == name:
                return body
            body += f"{line}\n"
        raise self.fail(
            f"the heredoc <<{name} does not end", start,
            hint=f"Put {name} on a line of its own after the last line of it.",
        )  # fmt: skip
