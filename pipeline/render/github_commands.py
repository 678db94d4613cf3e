"""The GitHub runner's command language: escaping, annotations, and text that cannot be commands."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from pipeline.errors import Location


def escape_data(text: str) -> str:
    """For what follows the second ``::``."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """For a value in the list of properties."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def command(name: str, data: str = "", properties: Mapping[str, str] | None = None) -> str:
    """``::error file=app.py,line=3::message``; empty properties are left out."""
    given = {key: value for key, value in (properties or {}).items() if value}
    listed = ",".join(f"{key}={escape_property(value)}" for key, value in given.items())
    return f"::{name}{' ' + listed if listed else ''}::{escape_data(data)}"


def annotation(
    level: str, message: str, *, title: str, where: Location | None, workspace: Path
) -> str:
    """An ``::error`` or ``::warning`` at its place, relative to the workspace."""
    properties = {"title": title}
    if where is not None:
        properties |= {
            "file": in_workspace(where.file, workspace),
            "line": str(where.line or ""),
            "col": str(where.column or ""),
        }
    return command(level, message, properties)


def in_workspace(file: str, workspace: Path) -> str:
    """The path as GitHub knows it; one outside the workspace stays as it is."""
    path = Path(file) if Path(file).is_absolute() else Path.cwd() / file
    try:
        return path.resolve().relative_to(workspace.resolve()).as_posix()
    except ValueError:
        return file


class CommandWriter:
    """Writes commands, and text between ``stop-commands`` brackets.

    All text is bracketed, since any line of it could look like a command. Each bracket has a
    token of its own, and a line that holds it (read out of the log) gets another one.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._token = ""

    def text(self, line: str) -> None:
        if self._token and self._token in line.lower():  # the runner ignores case, too
            self._end_bracket()
        if not self._token:
            self._token = secrets.token_hex(16)
            self._stream.write(f"::stop-commands::{self._token}\n")
        self._stream.write(line.rstrip() + "\n")

    def command(self, line: str) -> None:
        self._end_bracket()
        self._stream.write(line + "\n")

    def flush(self) -> None:
        """Let what was written be seen."""
        self._stream.flush()

    def close(self) -> None:
        """End an open bracket: whoever writes next may give commands."""
        self._end_bracket()
        self._stream.flush()

    def _end_bracket(self) -> None:
        if self._token:
            self._stream.write(f"::{self._token}::\n")
            self._token = ""
