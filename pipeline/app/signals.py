"""Ctrl-C and SIGTERM, as the end of a scope."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

from pipeline.errors import Cancelled, Exit
from pipeline.scope import Scope

SIGNALS: Mapping[int, Exit] = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}

JOIN = 5.0
"""Seconds that what was told of the end may take to take note of it."""


@contextmanager
def signals_to(scope: Scope) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) ends the scope, the second one the process.

    The scope is ended by a thread: a handler interrupts whatever the main thread is at, and would
    wait for ever for a lock that is held there.
    """
    arrived: SimpleQueue[Exit | None] = SimpleQueue()  # the one queue that a handler may use
    pressed: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if pressed or scope.cancelled:
            os._exit(SIGNALS[number])
        pressed.append(number)
        arrived.put(SIGNALS[number])

    def end() -> None:
        while (code := arrived.get()) is not None:
            scope.cancel(Cancelled(exit_code=code))

    ending = threading.Thread(target=end, name="signals", daemon=True)
    ending.start()
    previous = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        arrived.put(None)
        ending.join(JOIN)
