"""How often a service is repaired: with growing pauses, and only so many times in a while."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

_random = random.SystemRandom()


@dataclass(frozen=True)
class Limits:
    """Times in seconds."""

    repairs: int = 5
    within: float = 600.0
    """At most ``repairs`` in so long, for each service; restarts by the engine count too."""
    first_pause: float = 1.0
    longest_pause: float = 60.0
    steady: float = 60.0
    """Well for so long, a service that was degraded has recovered."""


class Budget:
    """What is left of the repairs of one service. Times are monotonic seconds."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._made: deque[float] = deque()
        self._pause = 0.0

    def charge(self, now: float, repairs: int = 1) -> None:
        """So many were made just now."""
        self._made.extend([now] * repairs)
        used, limits = self._used(now), self._limits
        longest = min(limits.first_pause * 2 ** max(0, used - 1), limits.longest_pause)
        self._pause = _random.uniform(longest / 2, longest)

    def spent(self, now: float) -> bool:
        """May none be made now, however long the pause was?"""
        return self._used(now) >= self._limits.repairs

    def wait(self, now: float) -> float:
        """Seconds until the next one may be made; 0 for now."""
        used = self._used(now)
        if not used:
            return 0.0
        after = self._made[-1] + self._pause
        if used >= self._limits.repairs:
            after = max(after, self._made[-self._limits.repairs] + self._limits.within)
        return max(0.0, after - now)

    def _used(self, now: float) -> int:
        while self._made and now - self._made[0] >= self._limits.within:
            self._made.popleft()
        return len(self._made)
