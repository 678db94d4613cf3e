"""The port that an app listens on, as far as commands and code tell it."""

from __future__ import annotations

import re

_IN_COMMAND = re.compile(
    r"(?:--(?:server\.)?port[= ]|-p[= ]?|--(?:bind|listen|host)[= ]\S*:|-b[= ]?\S*:|0\.0\.0\.0:)"
    r"[\"']?(?:\$\{PORT:-)?(\d{2,5})\b"
)


def in_command(command: str) -> int | None:
    """A port that a command line fixes, or falls back to (``${PORT:-8000}``)."""
    match = _IN_COMMAND.search(command)
    return int(match[1]) if match else None
