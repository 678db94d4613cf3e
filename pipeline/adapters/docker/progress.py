"""The engine's JSON streams (pull, push, load, build), read and put into few lines for people."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.kit.text import human_bytes
from pipeline.ports.engine import OnBytes, OnLine

EVERY = 1.0
"""Seconds between two lines about the same transfer."""
_SETTLED = (
    "Pull complete", "Already exists", "Pushed", "Layer already exists", "Mounted from",
)  # fmt: skip


def messages(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """JSON objects, one a line; what is no object is left out."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from _objects(lines)
    yield from _objects([rest])


def _objects(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.strip():
            item = json.loads(line)
            if isinstance(item, dict):
                yield item


def failure(message: Mapping[str, Any]) -> str:
    """What went wrong, by this message; ``""`` when nothing did."""
    detail = message.get("errorDetail")
    text = detail.get("message") if isinstance(detail, dict) else None
    return str(text or message.get("error") or "")


class Transfer:
    """Tells of a pull or push: each layer that is settled, and now and then the bytes."""

    def __init__(self, on_line: OnLine, on_bytes: OnBytes | None = None) -> None:
        self._on_line = on_line
        self._on_bytes = on_bytes
        self._retrying: set[str] = set()
        self._bytes: dict[str, tuple[int, int]] = {}
        self._next = time.monotonic() + EVERY

    def tell(self, message: Mapping[str, Any]) -> None:
        status, layer = str(message.get("status", "")), str(message.get("id", ""))
        progress = message.get("progressDetail") or {}
        if status.startswith("Retrying in"):  # counted down each second: the first says it all
            if layer not in self._retrying:
                self._on_line(f"{layer}: {status}")
            self._retrying.add(layer)
            return
        self._retrying.discard(layer)
        if progress.get("total"):
            self._bytes[layer] = (progress.get("current", 0), progress["total"])
            self._throttled(status)
        elif status.startswith(_SETTLED):
            self._on_line(f"{layer}: {status}" if layer else status)
        elif status and not layer:
            self._on_line(status)

    def _throttled(self, status: str) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        done, total = (sum(column) for column in zip(*self._bytes.values(), strict=True))
        if self._on_bytes:
            self._on_bytes(done, total)
            return
        self._on_line(f"{status} {human_bytes(done)} of {human_bytes(total)}")
