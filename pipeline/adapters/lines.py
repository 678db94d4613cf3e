"""Foreign output, cut into lines and kept within bounds."""

from __future__ import annotations

MAX_LINE = 16 * 1024
"""Bytes; a longer line is handed on in parts."""
MAX_OUTPUT = 64 * 1024
"""Bytes of output that a result keeps; the end counts."""


class LineSplitter:
    """Takes bytes in any pieces and gives whole lines, decoded, without their line ends."""

    def __init__(self, longest: int = MAX_LINE) -> None:
        self._longest = longest
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that ``data`` completes."""
        *lines, rest = (self._rest + data).split(b"\n")
        if len(rest) > self._longest:
            lines.append(rest)
            rest = b""
        self._rest = rest
        return [text for line in lines for text in self._parts(line)]

    def flush(self) -> list[str]:
        """The last line, if it has no line end."""
        rest, self._rest = self._rest, b""
        return self._parts(rest) if rest else []

    def _parts(self, line: bytes) -> list[str]:
        line, size = line.removesuffix(b"\r"), self._longest
        pieces = [line[at : at + size] for at in range(0, len(line), size)] or [b""]
        return [piece.decode("utf-8", "replace") for piece in pieces]


class Tail:
    """The end of an output of any size."""

    def __init__(self, limit: int = MAX_OUTPUT) -> None:
        self._limit = limit
        self._data = bytearray()

    def add(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > 2 * self._limit:
            del self._data[: -self._limit]

    @property
    def text(self) -> str:
        return self._data[-self._limit :].decode("utf-8", "replace")
