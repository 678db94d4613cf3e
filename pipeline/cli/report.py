"""The report of a bug of ours: a file that is ready to paste, without secrets."""

from __future__ import annotations

import os
import platform
import re
import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pipeline import __version__
from pipeline.errors import StoreUnusable
from pipeline.kit.text import sanitize

SECRETIVE = re.compile(r"(?i)token|secret|passw|credential|api_?key|auth")
SHORTEST = 4


def write_report(error: BaseException, argv: Sequence[str], mask: Callable[[str], str]) -> str:
    """Write the report; the path of its file, or the report itself if it cannot be written."""
    from pipeline.store.home import Home

    text = report(error, argv, mask)
    try:
        home = Home.find(os.environ)
        file = home.ensure(home.reports) / f"bug-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.md"
        _write_private(file, text)
    except (StoreUnusable, OSError):
        return text
    return str(file)


def report(error: BaseException, argv: Sequence[str], mask: Callable[[str], str]) -> str:
    """Version, machine, command line and traceback as Markdown."""
    trace = "".join(traceback.format_exception(error))
    lines = [
        f"dockcycle {__version__}, Python {platform.python_version()}, {platform.platform()}",
        "",
        "```console",
        f"$ dockcycle {shlex.join(argv)}",
        "```",
        "",
        "```text",
        *trace.rstrip().split("\n"),
        "```",
    ]
    return _harmless("\n".join(sanitize(line) for line in lines), argv, mask) + "\n"


def _harmless(text: str, argv: Sequence[str], mask: Callable[[str], str]) -> str:
    return mask(_without_environment(_without_settings(text, argv)))


def _without_settings(text: str, argv: Sequence[str]) -> str:
    """Values of ``--set token=…`` are left out."""
    for word in argv:
        name, equals, value = word.removeprefix("--set=").partition("=")
        if equals and SECRETIVE.search(name) and len(value) >= SHORTEST:
            text = text.replace(value, "***")
    return text


def _without_environment(text: str) -> str:
    """Values of variables that are called like secrets are left out."""
    for name, value in os.environ.items():
        if SECRETIVE.search(name) and len(value) >= SHORTEST and not Path(value).is_absolute():
            text = text.replace(value, "***")
    return text


def _write_private(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as handle:
        handle.write(text)


def tell_bug(error: BaseException, argv: Sequence[str], mask: Callable[[str], str]) -> None:
    """Say on stderr that it was our fault, and where the report is."""
    place = write_report(error, argv, mask)
    what = _harmless(sanitize(f"{type(error).__name__}: {error}"), argv, mask)
    sys.stderr.write(
        f"This is a bug of dockcycle, not a mistake of yours.\n  {what}\n"
        f"Please report it with this file (secrets are masked): {place}\n"
    )
