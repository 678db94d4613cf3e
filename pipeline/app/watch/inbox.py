"""Where changes arrive while a run is under way, and what becomes of that run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.errors import Cancelled
from pipeline.events import Event, StageFinished, StageStarted
from pipeline.kit.content import is_evidence
from pipeline.scope import Scope

GRACE = 1.5
"""Seconds after a stage in which what it wrote may still be on its way here."""
TICK = 0.25
_SHOWN = 3


@dataclass(frozen=True)
class Change:
    """Something that a run may have to follow: ``paths`` of files, names of ``bases``, or else
    ``words``."""

    words: str = ""
    paths: frozenset[str] = frozenset()
    bases: tuple[str, ...] = ()

    def __str__(self) -> str:
        names, what = (self.bases, "moved") if self.bases else (sorted(self.paths), "changed")
        more = len(names) - _SHOWN
        shown = f"{', '.join(names[:_SHOWN])}{f' and {more} more' if more > 0 else ''} {what}"
        return self.words or shown


class Superseded(Cancelled):
    """The run was given up for a newer change."""


class Inbox:
    """Thread-safe: sources put changes in, the loop takes them out.

    A change that comes in during a run ends it, except for what the run may have written itself:
    Dockerfiles while the ``dockerfile`` stage is at work, and any file while the project's own
    checks run on this machine. The latter count when the run has ended, unless the run before it
    had written the very same: a report of the tests, say. A branch that moves once ``track`` has
    begun has probably been moved by that, and is looked at afterwards.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._changes: list[Change] = []
        self._run: Scope | None = None
        self._tracking = False
        self._until: dict[str, float] = {}
        """Stage that writes files → until when its writes may arrive."""
        self._written: frozenset[str] = frozenset()
        self._written_before: frozenset[str] = frozenset()

    def put(self, change: Change) -> None:
        with self._lock:
            rest = self._not_its_own(change)
            if rest is None:
                return
            self._changes.append(rest)
            run = None if self._tracking and not rest.paths else self._run
        self._ready.set()
        if run is not None:
            run.cancel(Superseded(str(rest)))

    def _not_its_own(self, change: Change) -> Change | None:
        if not change.paths:
            return change
        paths, now = change.paths, self._now()
        if now < self._until.get("dockerfile", 0):
            paths = frozenset(path for path in paths if not is_evidence(path))
        if now < self._until.get("code", 0):
            self._written |= paths
            paths = frozenset()
        return Change(paths=paths) if paths else None

    def take(self) -> list[Change]:
        """All that has arrived, the oldest first; without waiting."""
        with self._lock:
            found, self._changes = self._changes, []
            self._ready.clear()
            return found

    def wait(self, scope: Scope) -> None:
        """Until something has arrived.

        Looks at the scope now and then rather than be woken by it: a signal's handler must not
        take a lock that this very thread may hold.

        Raises:
            Cancelled: the scope has ended.
        """
        while not self._ready.wait(TICK):
            scope.check()

    @contextmanager
    def during(self, run: Scope) -> Iterator[None]:
        """Within the block changes end ``run``."""
        with self._lock:
            self._run, late = run, bool(self._changes)
            self._written_before, self._written = self._written, frozenset()
            self._tracking = False
        if late:
            run.cancel(Superseded("another change"))
        try:
            yield
        finally:
            with self._lock:
                self._run = None

    def follow(self, event: Event, writes: Callable[[str], str]) -> None:
        """Account for an event of the run; ``writes`` gives the name of a stage that writes files,
        by its key, and "" for others."""
        if isinstance(event, (StageStarted, StageFinished)) and (name := writes(event.stage)):
            ended = isinstance(event, StageFinished)
            with self._lock:
                self._until[name] = self._now() + GRACE if ended else float("inf")
                self._tracking = self._tracking or name == "track"

    def left_by_checks(self) -> tuple[Change | None, frozenset[str]]:
        """What changed while the checks of the last run were at work: what has to be followed, and
        what they write each time."""
        with self._lock:
            own = self._written & self._written_before
            rest = self._written - own
        return (Change(paths=rest) if rest else None), own
