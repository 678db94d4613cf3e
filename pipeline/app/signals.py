"""Ctrl-C and SIGTERM, as the end of a scope."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from pipeline.errors import Cancelled, Exit
from pipeline.scope import Scope

SIGNALS: Mapping[int, Exit] = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


@contextmanager
def signals_to(scope: Scope) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM) ends the scope, the second one the process."""

    def handle(number: int, _frame: FrameType | None) -> None:
        code = SIGNALS[number]
        if scope.cancelled:
            os._exit(code)
        scope.cancel(Cancelled(exit_code=code))

    previous = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
