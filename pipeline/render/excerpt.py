"""The line of a file that a message is about."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pipeline.errors import Location
from pipeline.kit.dockerfile.secrets import without_secrets
from pipeline.kit.text import sanitize

LARGEST = 4_000_000
"""Bytes; a larger file is not read for a quotation."""
WIDEST = 200


def source_line(where: Location) -> str:
    """The line, harmless, without passwords, cut to a readable length; empty when it cannot be
    quoted."""
    if where.line is None:
        return ""
    try:
        lines = _read(Path(where.file)).splitlines()
    except OSError:
        return ""
    if not 0 < where.line <= len(lines):
        return ""
    line = without_secrets(sanitize(lines[where.line - 1].expandtabs(4)).rstrip())
    return line if len(line) <= WIDEST else f"{line[:WIDEST]}…"


def _read(file: Path) -> str:
    """A regular file of moderate size; anything else reads as empty (a pipe would block)."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    with open(descriptor, encoding="utf-8", errors="replace") as handle:  # noqa: PTH123 - of a descriptor
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            return ""
        return handle.read()
