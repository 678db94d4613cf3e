"""Waiting for a call that cannot be interrupted, but no longer than the scope lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from pipeline.scope import Scope

T = TypeVar("T")


def in_thread(call: Callable[[], T], scope: Scope, *, limit: float) -> T:
    """The result of ``call``, which runs in a thread of its own and is left behind when the scope
    ends first.

    Raises:
        TimeoutError: it takes longer than ``limit`` seconds.
        Cancelled, DeadlineExceeded: the scope's end.
    """
    future: Future[T] = Future()
    ended = threading.Event()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed over to the waiting thread
            future.set_exception(error)
        finally:
            ended.set()

    threading.Thread(target=work, name="waiting", daemon=True).start()
    with scope.cancelling(ended.set):
        ended.wait(scope.remaining(limit))
    if future.done():
        return future.result()
    scope.check()
    raise TimeoutError
