"""Syntax errors of a YAML parser in plain words, with what to do.

The two parsers of PyYAML (C and Python) word the same mistake differently; here both read alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import yaml

from pipeline.errors import Location, Problem

Mark = tuple[int, int]
"""Line and column, both from 0."""

MAX_DEPTH = 64
TOO_DEEP = f"nested too deeply: more than {MAX_DEPTH} levels"
"""Said here too: since 0.2.6 libyaml has a limit of its own (1,000), met while it looks ahead."""


def explain(error: yaml.YAMLError, text: str, shown: str) -> Problem:
    """The problem that stopped the parser, at the place where it should be mended."""
    if isinstance(error, yaml.reader.ReaderError):
        return _unreadable(error, text, shown)
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Problem(f"this is not YAML: {error}", Location(shown))
    here = (error.problem_mark.line, error.problem_mark.column)
    start = error.context_mark
    opened = (start.line, start.column) if start is not None else here
    wording = f"{error.context or ''}: {error.problem or ''}"
    lines = text.split("\n")
    if "\t" in _indent(lines, here[0]) and "quoted scalar" not in wording:
        place = (here[0], _indent(lines, here[0]).index("\t"))
        return _problem("a tab is used for indentation", place, shown, "Indent with spaces.")
    if _character(lines, (here[0], here[1] - 1)) + _character(lines, here) == "${":
        place = (here[0], here[1] - 1)
        return _problem("`${…}` needs quotes inside of `{ }`", place, shown, 'Write "${…}".')
    for pattern, rule in _RULES:
        if re.search(pattern, wording):
            return rule(lines, here, opened, shown)
    return _problem(f"this is not YAML: {error.problem}", here, shown)


def _problem(message: str, mark: Mark, shown: str, hint: str = "") -> Problem:
    return Problem(message, Location(shown, mark[0] + 1, mark[1] + 1), hint)


def _indent(lines: list[str], line: int) -> str:
    text = lines[line] if line < len(lines) else ""
    return text[: len(text) - len(text.lstrip())]


def _character(lines: list[str], mark: Mark) -> str:
    line, column = mark
    return lines[line][column : column + 1] if line < len(lines) else ""


def _unreadable(error: yaml.reader.ReaderError, text: str, shown: str) -> Problem:
    # The C parser counts bytes and the Python one characters, so look for the place ourselves.
    found = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if found is None:
        return Problem(f"this is not YAML: {error}", Location(shown))
    before = text[: found.start()]
    mark = (before.count("\n"), len(before) - before.rfind("\n") - 1)
    code = ord(found.group())
    return _problem(f"a control character (0x{code:02x})", mark, shown, "Remove it.")


Rule = Callable[[list[str], Mark, Mark, str], Problem]


def _says(message: str, hint: str = "", *, opened: bool = False) -> Rule:
    """A rule with a fixed text, at the mistake or at what was opened before it."""

    def rule(lines: list[str], here: Mark, start: Mark, shown: str) -> Problem:
        return _problem(message, start if opened else here, shown, hint)

    return rule


def _no_colon(lines: list[str], here: Mark, opened: Mark, shown: str) -> Problem:
    word = lines[opened[0]][opened[1] :].strip()[:40]
    return _problem(
        f"`{word}` is no `key: value`", opened, shown, f"Write `{word}: …`, or indent it further."
    )


def _bad_start(lines: list[str], here: Mark, opened: Mark, shown: str) -> Problem:
    character = _character(lines, here)
    if character == "\t":
        return _problem("a tab is used for indentation", here, shown, "Indent with spaces.")
    return _problem(
        f"text cannot start with `{character}` here", here, shown, "Put the text in quotes."
    )


def _bad_name(lines: list[str], here: Mark, opened: Mark, shown: str) -> Problem:
    return _bad_start(lines, opened, opened, shown)


def _bad_escape(lines: list[str], here: Mark, opened: Mark, shown: str) -> Problem:
    line = lines[here[0]]
    at = max(line.rfind("\\", 0, here[1] + 1), 0)
    return _problem(
        f"`{line[at : at + 2]}` means nothing between double quotes",
        (here[0], at),
        shown,
        "Use single quotes: between them a backslash is itself.",
    )


_QUOTES = "Put the text in quotes."
_RULES: tuple[tuple[str, Rule], ...] = (
    (r"maximum nesting depth", _says(TOO_DEEP)),
    (r"tab character", _says("a tab is used for indentation", "Indent with spaces.")),
    (r"expected ':'", _no_colon),
    (r"quoted scalar: found unexpected end",
     _says("a quote is opened here and never closed", "Add the closing quote.", opened=True)),
    (r"unknown escape", _bad_escape),
    (r"cannot start any token", _bad_start),
    (r"alias: |anchor: ", _bad_name),
    (r"',' or '\]'", _says("`[` is opened here and not closed", "Add the `]`.", opened=True)),
    (r"',' or '\}'", _says("`{` is opened here and not closed", "Add the `}`.", opened=True)),
    (r"node content", _says("something is missing before this", _QUOTES)),
    (r"mapping values are not allowed", _says("a second `:` in one line", _QUOTES)),
    (r"sequence entries are not allowed",
     _says("a list cannot begin on the line of its key", "Begin it on the next line.")),
    (r"block scalar", _says("after `|` or `>` the text begins on the next line", _QUOTES)),
    (r"block (mapping|collection)",
     _says("the indentation does not fit the lines above",
           "What belongs together starts in the same column.")),
    (r"tag handle",
     _says("a tag of this kind is not allowed here",
           "Remove it; text that starts with `!` goes in quotes.")),
)  # fmt: skip
