"""A folder of code as authors see it: names and small text files, always in the same order."""

from __future__ import annotations

import codecs
import fnmatch
import json
import os
import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.errors import Location, StageFailed
from pipeline.kit import ignore

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LARGEST = 1_000_000
_MOST_FILES = 20_000
_DEEPEST = 10
"""Levels of folders that are looked at: deeper ones say nothing about what the app is."""


class Tree:
    """Read-only; what tools leave behind (``.venv``, ``node_modules``) is not there."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Relative paths with ``/``, shallow ones first, then by name."""
        found: list[str] = []
        derived = ignore.derived()
        level = [""]
        for _ in range(_DEEPEST):
            deeper: list[str] = []
            for directory in level:
                for entry in sorted(os.scandir(self.folder / directory), key=lambda e: e.name):
                    path = f"{directory}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        if not derived.excludes(path):
                            deeper.append(f"{path}/")
                    elif entry.is_file() and not derived.excludes(path):
                        found.append(path)
            level = deeper
            if len(found) > _MOST_FILES:
                break
        return tuple(found)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.files)

    def has(self, path: str) -> bool:
        return path in self._known

    def first(self, *paths: str) -> str | None:
        """The first of ``paths`` that is there."""
        return next((path for path in paths if self.has(path)), None)

    def matching(self, pattern: str) -> list[str]:
        """Files whose whole path matches ``pattern``; ``*`` does not cross a ``/``."""
        depth = pattern.count("/")
        return [
            path
            for path in self.files
            if path.count("/") == depth and fnmatch.fnmatchcase(path, pattern)
        ]

    def read(self, path: str) -> str:
        """The text of a file; empty for one that is missing, not text, or larger than 1 MB."""
        full = self.folder / path
        try:
            if not self.has(path) or full.stat().st_size > _LARGEST:
                return ""
            data = full.read_bytes()
            # What `>` of PowerShell writes is UTF-16, with a mark.
            encoding = "utf-16" if data[:2] in _UTF_16 else "utf-8-sig"
            return data.decode(encoding).replace("\r\n", "\n")
        except (OSError, UnicodeDecodeError):
            return ""

    def lines(self, path: str) -> list[str]:
        """Lines that are neither empty nor a ``#`` comment, stripped."""
        stripped = (line.strip() for line in self.read(path).split("\n"))
        return [line for line in stripped if line and not line.startswith("#")]

    def toml(self, path: str) -> Mapping[str, Any]:
        """A TOML file, empty for a missing one.

        Raises:
            StageFailed: it is broken, with its line.
        """
        try:
            return tomllib.loads(self.read(path))
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"line (\d+)", str(error))
            raise self._broken(path, str(error), int(line[1]) if line else None) from error

    def json(self, path: str) -> Mapping[str, Any]:
        """A JSON object, empty for a missing file.

        Raises:
            StageFailed: it is broken, with its line, or no object.
        """
        if not self.has(path):
            return {}
        try:
            value = json.loads(self.read(path))
        except json.JSONDecodeError as error:
            raise self._broken(path, error.msg, error.lineno) from error
        if not isinstance(value, dict):
            raise self._broken(path, "it is not an object", 1)
        return value

    def line_of(self, path: str, text: str) -> int | None:
        """The first line of a file that has ``text``, 1-based."""
        lines = enumerate(self.read(path).split("\n"), start=1)
        return next((number for number, line in lines if text in line), None)

    def _broken(self, path: str, problem: str, line: int | None) -> StageFailed:
        return StageFailed(
            f"{path} cannot be read: {problem}",
            hint="Mend the file; a Dockerfile cannot be made from what it does not say.",
            where=Location(path, line),
        )
