"""Ending a blocked read from outside: by the scope, a time limit or a probe that fails."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.errors import Cancelled, DockcycleError
from pipeline.scope import Scope

PROBE_EVERY = 5.0
"""Seconds."""


class Guard:
    """Says afterwards whether a block was cut short, and why."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.timed_out = False
        """The block's own limit ended it (not the scope)."""
        self.failure: DockcycleError | None = None
        """What the probe raised."""

    def check(self) -> None:
        """Raise why the block was cut short, if it was; the limit of its own is the caller's."""
        if self.failure is not None:
            raise self.failure
        self._scope.check()


@contextmanager
def guarded(
    cut: Callable[[], None], scope: Scope, *, limit: float = math.inf,
    probe: Callable[[], None] | None = None,
) -> Iterator[Guard]:  # fmt: skip
    """Within the block, call ``cut`` (shut a socket, say) when the scope ends, ``limit`` seconds
    are over, or ``probe``, asked every few seconds, raises a ``DockcycleError``.

    ``cut`` may be called from any thread and more than once, and must not raise.
    """
    guard = Guard(scope)
    done = threading.Event()
    until = time.monotonic() + limit

    def watch() -> None:
        while not done.wait(_next(until, scope, PROBE_EVERY if probe else math.inf)):
            guard.timed_out = time.monotonic() >= until
            try:
                scope.check()
                if probe is not None and not guard.timed_out:
                    probe()
                    continue
            except DockcycleError as error:
                guard.failure = error
            if guard.timed_out or guard.failure is not None:
                cut()
                return

    thread = threading.Thread(target=watch, name="guard", daemon=True)
    thread.start()
    try:
        with scope.cancelling(cut):
            yield guard
    finally:
        done.set()


@contextmanager
def while_alive(scope: Scope, probe: Callable[[], None]) -> Iterator[Scope]:
    """A scope inside ``scope`` that also ends when ``probe``, asked every few seconds, raises a
    ``DockcycleError``: then that is raised."""
    inner = scope.child()
    with guarded(inner.cancel, scope, probe=probe) as guard:
        try:
            yield inner
        except Cancelled:
            guard.check()
            raise


def _next(until: float, scope: Scope, cap: float) -> float:
    """Seconds to wait; a bound of an hour, as locks take no infinity."""
    return max(0.0, min(scope.remaining(cap), until - time.monotonic(), 3600.0))
