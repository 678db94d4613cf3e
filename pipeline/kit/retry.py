"""Trying again what may work the next time, with growing and jittered pauses."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from pipeline.errors import RegistryUnavailable
from pipeline.ports.clock import Clock
from pipeline.scope import Scope

T = TypeVar("T")

_random = random.SystemRandom()


def retry(
    attempt: Callable[[], T], *, clock: Clock, scope: Scope, attempts: int = 5,
    first_pause: float = 0.5, longest_pause: float = 10.0, patience: float = 60.0,
    tell: Callable[[str], None] = lambda message: None,
) -> T:  # fmt: skip
    """The result of the first attempt that does not raise ``RegistryUnavailable``.

    Pauses double from ``first_pause`` on, each between half and whole. A registry that asks for a
    pause of its own gets that; one longer than the scope has left is not waited for. After
    ``patience`` seconds no other attempt is made. ``tell`` is told what is waited for.

    Raises:
        RegistryUnavailable: the last attempt's. Any other error passes through at once.
    """
    pause, end = first_pause, clock.monotonic() + patience
    for number in range(1, attempts + 1):
        try:
            return attempt()
        except RegistryUnavailable as error:
            wait = _random.uniform(pause / 2, pause)
            if error.retry_after is not None:
                wait = max(error.retry_after, wait)
            too_late = clock.monotonic() >= end or wait >= scope.remaining()
            if number == attempts or too_late:
                raise
            tell(f"{error.message}; trying again in {wait:.1f} s")
            clock.sleep(wait, scope)
            pause = min(2 * pause, longest_pause)
    raise AssertionError("the last attempt returns or raises")
