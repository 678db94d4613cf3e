"""How long, and whether still: one object carries a deadline and a cancellation.

A run has a scope, each stage has a child of it. Everything that waits takes a scope, so a signal,
a stage's ``timeout:`` and the run's end all arrive in the same way.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.errors import Cancelled, DeadlineExceeded, DockcycleError


class Scope:
    """A deadline (monotonic seconds) and a cancel flag; thread-safe.

    A child ends when its parent ends, and never outlives the parent's deadline.
    """

    def __init__(
        self, seconds: float | None = None, *, what: str = "run", parent: Scope | None = None
    ) -> None:
        own = math.inf if seconds is None else time.monotonic() + seconds
        self._deadline: float = min(own, parent._deadline) if parent else own
        self._limiting: Scope = parent._limiting if parent and parent._deadline < own else self
        """Whose deadline it is: its own or an ancestor's."""
        self._budget = seconds
        self._what = what
        self._reason: DockcycleError | None = None
        self._ended = threading.Event()
        self._lock = threading.RLock()  # a signal handler may cancel while its thread is inside
        self._callbacks: list[Callable[[], None]] = []
        if parent is not None:
            parent.on_cancel(lambda: self.cancel(parent._reason))

    def child(self, seconds: float | None = None, *, what: str = "") -> Scope:
        """A scope inside this one, at most ``seconds`` long."""
        return Scope(seconds, what=what or self._what, parent=self)

    def cancel(self, reason: DockcycleError | None = None) -> None:
        """End the scope; the first reason wins. Callbacks run in the calling thread, once."""
        with self._lock:
            if self._ended.is_set():
                return
            self._reason = reason or Cancelled()
            self._ended.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when the scope is cancelled (at once if it is). Returns a way to forget it."""
        with self._lock:
            if not self._ended.is_set():
                self._callbacks.append(callback)
                return lambda: self._forget(callback)
        callback()
        return lambda: None

    def _forget(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

    @property
    def cancelled(self) -> bool:
        return self._ended.is_set()

    def remaining(self, cap: float = math.inf) -> float:
        """Seconds left, at most ``cap``; never negative. ``inf`` when nothing limits it."""
        return max(0.0, min(cap, self._deadline - time.monotonic()))

    def check(self) -> None:
        """Raise why the scope is over, if it is.

        Raises:
            Cancelled: the scope was cancelled.
            DeadlineExceeded: its time is up.
        """
        if self._ended.is_set():
            raise self._reason or Cancelled()
        if self.remaining() <= 0:
            raise self.timed_out()

    def timed_out(self) -> DeadlineExceeded:
        """The error for this scope's deadline."""
        late = self._limiting
        budget = "" if late._budget is None else f" of {late._budget:g} s"
        return DeadlineExceeded(
            f"{late._what} did not finish within its limit{budget}",
            hint="Raise `timeout:` of the stage if it needs longer.",
        )

    def sleep(self, seconds: float) -> None:
        """Wait, but wake up and raise as ``check`` does when the scope ends first."""
        self._ended.wait(self.remaining(seconds))
        self.check()

    @contextmanager
    def cancelling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Within the block, cancelling the scope calls ``callback`` (kill a process, say)."""
        forget = self.on_cancel(callback)
        try:
            yield
        finally:
            forget()
