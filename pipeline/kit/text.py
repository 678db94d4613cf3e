"""Text from outside made harmless, and figures made readable."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable

# In this order: a colour (kept on request), other control sequences, terminated control strings
# (window titles, links), two-byte escapes; then whatever control byte is left by itself. One pass
# consumes every escape byte, so nothing that is left over can form a new sequence.
_CONTROL = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
    r"|(?P<gap>[\n\x0b\x0c\x85\u2028\u2029])"
    r"|(?P<broken>[\ud800-\udfff])"
    r"|[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_RESET = "\x1b[0m"


def sanitize(line: str, *, keep_colour: bool = False) -> str:
    """One line without control bytes, escape sequences and direction overrides.

    Of a line that overwrites itself with carriage returns (a progress bar) the last state stays.
    Tabs stay; line breaks become spaces; what is not text at all becomes ``�``. ``keep_colour``
    keeps colours and weights (SGR sequences), and resets them at the end of the line.
    """
    if line.isascii() and line.isprintable():
        return line
    states = [state for state in line.rstrip("\r\n").replace("\r\n", "\n").split("\r") if state]
    clean = _CONTROL.sub(
        lambda match: _replacement(match, keep_colour), states[-1] if states else ""
    )
    coloured = clean.rpartition("\x1b[")[2]
    if keep_colour and coloured != clean and not coloured.startswith(("m", "0m")):
        clean += _RESET
    return clean


def _replacement(match: re.Match[str], keep_colour: bool) -> str:
    if match["colour"] and keep_colour:
        return match["colour"]
    if match["gap"]:
        return " "
    return "�" if match["broken"] else ""


def tail(lines: Iterable[str], n: int) -> str:
    """The last ``n`` lines as one text, as for an error's ``detail``."""
    keep = Tail(n)
    for line in lines:
        keep.add(line)
    return keep.text


class Tail:
    """Collects the end of an output in bounded memory: ``lines`` lines of ``width`` characters."""

    def __init__(self, lines: int = 50, width: int = 4000) -> None:
        self._lines: deque[str] = deque(maxlen=lines)
        self._width = width
        self.count = 0
        """Lines seen, those that were dropped included."""

    def add(self, line: str) -> None:
        """Take a line (usable as an ``OnLine``); of a longer one the beginning is kept."""
        self.count += 1
        line = line.rstrip("\r\n")
        self._lines.append(line if len(line) <= self._width else f"{line[: self._width]}…")

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self._lines)

    @property
    def text(self) -> str:
        return "\n".join(self._lines)


def human_duration(seconds: float) -> str:
    """``0.3 s``, ``12 s``, ``1 min 5 s``, ``2 h 10 min``, ``3 d 4 h``."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    for size, unit, small_size, small in (
        (86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"),
    ):  # fmt: skip
        if whole >= size:
            rest = whole % size // small_size
            return f"{whole // size} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def human_bytes(count: int) -> str:
    """``512 B``, ``1.4 kB``, ``240 MB``: powers of 1000, as the docker command shows sizes."""
    if count < 1000:
        return f"{count} B"
    size = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.5 or unit == "TB":
            return f"{size:.1f} {unit}" if size < 9.95 else f"{size:.0f} {unit}"
    raise AssertionError("the last unit always returns")


def show_value(value: object) -> str:
    """A value of a file in a message: as it would stand there, cut to a readable length."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    text = sanitize(str(value))
    text = text if len(text) <= 60 else f"{text[:59]}…"
    return f'"{text}"' if isinstance(value, str) else text
