"""Time, so that tests can move it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pipeline.scope import Scope


class Clock(Protocol):
    def now(self) -> datetime:
        """UTC, aware."""

    def monotonic(self) -> float:
        """Seconds."""

    def sleep(self, seconds: float, scope: Scope) -> None: ...
