"""The plain text report of a buildx that is too old for a machine-readable one (before 0.13)."""

from __future__ import annotations

import re

from pipeline.adapters.docker.solve import Log, Status, Steps, Vertex

_LINE = re.compile(r"^#(?P<id>\d+) (?P<rest>.*)$")
_OUTPUT = re.compile(r"^\d+\.\d+ (?P<text>.*)$")
_DONE = re.compile(r"^DONE (?P<seconds>\d+(?:\.\d+)?)s$")


class PlainReport:
    """Reads lines such as ``#5 [2/3] RUN make``, ``#5 0.145 hello``, ``#5 DONE 0.4s``."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._names: dict[str, str] = {}

    def line(self, text: str) -> bool:
        """Take a line; False when it is no part of the report."""
        match = _LINE.match(text)
        if match is None or match["id"] == "0":
            return match is not None
        key, rest = match["id"], match["rest"]
        if key not in self._names:
            self._names[key] = rest
            self._vertex(key, started=0.0)
        elif output := _OUTPUT.match(rest):
            data = output["text"].encode() + b"\n"
            self._steps.take(Status(logs=(Log(key, data),)))
        elif done := _DONE.match(rest):
            self._vertex(key, started=0.0, completed=float(done["seconds"]))
        elif rest == "CACHED":
            self._vertex(key, started=0.0, completed=0.0, cached=True)
        elif rest.startswith("ERROR: "):
            error = rest.removeprefix("ERROR: ")
            self._vertex(key, started=0.0, completed=0.0, error=error)
        return True

    def _vertex(
        self, key: str, *, started: float, completed: float | None = None, cached: bool = False,
        error: str = "",
    ) -> None:  # fmt: skip
        vertex = Vertex(key, self._names[key], started, completed, cached, error)
        self._steps.take(Status(vertexes=(vertex,)))
