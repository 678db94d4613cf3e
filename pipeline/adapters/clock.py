"""The machine's own clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from pipeline.scope import Scope


class SystemClock:
    """Implements ``pipeline.ports.Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float, scope: Scope) -> None:
        scope.sleep(seconds)
