"""BuildKit's report of a build as it happens, told to a listener step by step."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pipeline.adapters.lines import LineSplitter
from pipeline.kit.text import Tail
from pipeline.ports.engine import BuildListener, BuildStep

_PROCESS = re.compile(r"process \"(?:.|\n)*\" did not complete successfully: (exit code: \d+.*)")
_PREFIX = re.compile(r"^\[(?P<stage>[^\]]*?)\s*\d+/\d+\] ")


@dataclass(frozen=True)
class Vertex:
    """A step; times in seconds since 1970, None until it happens."""

    id: str
    name: str
    started: float | None = None
    completed: float | None = None
    cached: bool = False
    error: str = ""


@dataclass(frozen=True)
class Log:
    vertex: str
    data: bytes


@dataclass(frozen=True)
class Status:
    """One message of the report."""

    vertexes: tuple[Vertex, ...] = ()
    logs: tuple[Log, ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()
    """(message, URL that explains it)."""


@dataclass(frozen=True)
class Failed:
    """The step that broke the build."""

    name: str
    error: str
    output: str

    @property
    def instruction(self) -> str:
        """Such as ``RUN make``: the name without BuildKit's ``[stage 2/4]``."""
        return _PREFIX.sub("", self.name)

    @property
    def reason(self) -> str:
        """Without the command all over again."""
        match = _PROCESS.search(self.error)
        return match[1].replace("exit code: ", "exit code ") if match else self.error


def from_json(document: Mapping[str, Any]) -> Status:
    """A document of ``--progress rawjson``."""
    return Status(
        vertexes=tuple(
            Vertex(
                id=item["digest"], name=item.get("name", ""),
                started=_time(item.get("started")), completed=_time(item.get("completed")),
                cached=bool(item.get("cached")), error=item.get("error", ""),
            )
            for item in document.get("vertexes") or ()
        ),
        logs=tuple(
            Log(item["vertex"], base64.b64decode(item.get("data") or ""))
            for item in document.get("logs") or ()
        ),
        warnings=tuple(
            (base64.b64decode(item.get("short") or "").decode("utf-8", "replace"),
             item.get("url") or "")
            for item in document.get("warnings") or ()
        ),
    )  # fmt: skip


@dataclass
class _Seen:
    name: str
    state: Literal["new", "running", "over"] = "new"
    lines: LineSplitter = field(default_factory=LineSplitter)
    tail: Tail = field(default_factory=Tail)
    failed: str = ""


class Steps:
    """Tells a listener of each step once, whatever BuildKit repeats, and knows which one broke."""

    def __init__(self, listener: BuildListener) -> None:
        self._listener = listener
        self._seen: dict[str, _Seen] = {}
        self._held: dict[str, BuildStep] = {}
        """Ends that wait for the next message: BuildKit ends internal steps to begin them anew."""

    def take(self, status: Status) -> None:
        begun = {v.id for v in status.vertexes if v.started is not None and v.completed is None}
        for key in [key for key in self._held if key not in begun]:
            self._release(key)
        for vertex in status.vertexes:
            self._vertex(vertex)
        for log in status.logs:
            seen = self._seen.setdefault(log.vertex, _Seen(name=""))
            self._lines(seen, seen.lines.feed(log.data))
        for message, url in status.warnings:
            self._listener.notice(message, url)

    def close(self) -> None:
        """The report is over."""
        for key in tuple(self._held):
            self._release(key)
        for seen in self._seen.values():
            self._lines(seen, seen.lines.flush())

    @property
    def failed(self) -> Failed | None:
        """The first step that broke by itself, and not because another one had."""
        broken = [seen for seen in self._seen.values() if seen.failed]
        own = [seen for seen in broken if "context canceled" not in seen.failed] or broken
        return Failed(own[0].name, own[0].failed, own[0].tail.text) if own else None

    def _vertex(self, vertex: Vertex) -> None:
        seen = self._seen.setdefault(vertex.id, _Seen(vertex.name))
        seen.name = vertex.name or seen.name
        seen.failed = vertex.error or seen.failed
        if vertex.started is None:
            return
        if vertex.completed is None:
            self._held.pop(vertex.id, None)
        if seen.state == "new" and not vertex.cached:
            seen.state = "running"
            self._listener.step(BuildStep(id=vertex.id, name=seen.name, state="started"))
        if vertex.completed is not None and seen.state != "over":
            state: Literal["cached", "done", "error"] = (
                "error" if vertex.error else "cached" if vertex.cached else "done"
            )
            seconds = max(0.0, vertex.completed - vertex.started)
            self._held[vertex.id] = BuildStep(
                id=vertex.id, name=seen.name, state=state, seconds=seconds
            )

    def _release(self, key: str) -> None:
        step, seen = self._held.pop(key, None), self._seen[key]
        if step is not None and seen.state != "over":
            seen.state = "over"
            self._lines(seen, seen.lines.flush())
            self._listener.step(step)

    def _lines(self, seen: _Seen, lines: list[str]) -> None:
        for line in lines:
            seen.tail.add(line)
            self._listener.line(seen.name, line)


def _time(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None
