"""The live log: server-sent events of one run, from where the reader was."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from pipeline.render.stored import parse
from pipeline.render.view import RunView
from pipeline.server.pages.facts import RunFacts, from_view
from pipeline.server.pages.items import settled
from pipeline.server.pages.log import Line, LogWriter
from pipeline.store import RunRecord, Store

TICK = 0.4
"""Seconds between two looks at the record."""
STEADY = 2.0
"""Seconds after which a running stage is drawn anew although nothing happened."""
BATCH = 500
"""Lines of one message at most."""
RETRY = 2000
"""Milliseconds after which a browser comes back."""
QUIET = 15.0
"""Seconds of silence after which a sign of life is given, for proxies."""
AGE = 3600.0
"""Seconds after which a reader has to come back."""


@dataclass
class Follower:
    """Reads a run's events as they are recorded, and puts them into messages."""

    store: Store
    run: str
    after: int
    """The reader has all events up to this one."""
    draw: Callable[[RunFacts], str] | None
    """Makes the part of the page that is no log; None: the reader wants bare events."""
    clock: Callable[[], float] = time.time
    _view: RunView = field(default_factory=RunView)
    _writer: LogWriter = field(default_factory=LogWriter)
    _seen: int = 0
    _drawn: str = ""
    _drawn_at: float = 0.0
    done: bool = False

    def read(self) -> list[str]:
        """The messages since the last call. Blocks on the database."""
        # The record before the events: one that has its end has all events.
        record, status = settled(self.store, self.store.run(self.run))
        self.done = status != "running"
        if self.draw is None:
            messages = self._bare()
        else:
            messages = [*self._log(), *self._state(record, self.draw)]
        return [*messages, message("end", "", self._seen)] if self.done else messages

    def _bare(self) -> list[str]:
        self._seen = max(self._seen, self.after)
        found = list(self.store.events(self.run, self._seen))
        self._seen = found[-1][0] if found else self._seen
        return [message(body["type"], json.dumps(body), number) for number, body in found]

    def _log(self) -> list[str]:
        lines: list[tuple[int, Line]] = []
        for number, body in self.store.events(self.run, self._seen):
            event = parse(body)
            self._view.take(event)
            self._seen = number
            if number > self.after:
                lines += [(number, line) for line in self._writer.lines(event)]
            else:
                self._writer.skip(event)
        return _log_messages(lines)

    def _state(self, record: RunRecord, draw: Callable[[RunFacts], str]) -> list[str]:
        facts = from_view(self.store, record, self._view, self.clock())
        now = time.monotonic()
        if facts.fingerprint == self._drawn and now - self._drawn_at < STEADY:
            return []
        self._drawn, self._drawn_at = facts.fingerprint, now
        return [message("state", draw(facts))]


def _log_messages(lines: list[tuple[int, Line]]) -> list[str]:
    """Lines of the same stage that follow each other go together; those of one event always."""
    found: list[str] = []
    start = 0
    for at in range(1, len(lines) + 1):
        full = at - start >= BATCH and at < len(lines) and lines[at][0] != lines[at - 1][0]
        if full or at == len(lines) or lines[at][1].stage != lines[start][1].stage:
            body = {
                "stage": lines[start][1].stage,
                "html": "".join(line.html for _, line in lines[start:at]),
            }
            found.append(message("log", json.dumps(body), lines[at - 1][0]))
            start = at
    return found


def message(kind: str, data: str, number: int | None = None) -> str:
    """One server-sent event; ``data`` may have lines."""
    head = f"id: {number}\n" if number is not None else ""
    body = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"{head}event: {kind}\n{body}\n"


async def follow(
    read: Callable[[], list[str]], done: Callable[[], bool], *, tick: float = TICK,
    quiet: float = QUIET,
) -> AsyncIterator[str]:  # fmt: skip
    """Messages until the run has ended. Ends with the connection, which cancels it."""
    yield f"retry: {RETRY}\n\n"
    ends = time.monotonic() + AGE
    silent = 0.0
    while time.monotonic() < ends:
        messages = await run_in_threadpool(read)
        if messages:
            yield "".join(messages)
        silent = 0.0 if messages else silent + tick
        if done():
            return
        if silent > quiet:
            yield ": still here\n\n"
            silent = 0.0
        await asyncio.sleep(tick)
