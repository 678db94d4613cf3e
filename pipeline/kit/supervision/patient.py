"""What a supervisor remembers of one service."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.kit.supervision.budget import Budget
from pipeline.ports.engine import ContainerInfo


@dataclass
class Patient:
    """Times are monotonic seconds."""

    budget: Budget
    degraded: str = ""
    """Why it was told to be; empty while it is not."""
    left: bool = False
    """Somebody stopped it by hand, and that was told."""
    beyond: bool = False
    """What it would need is not at hand."""
    blocked: bool = False
    """Since it was last well, something that it depends on was not."""
    held: bool = False
    """The engine no longer restarts it by itself: its repairs are counted here."""
    trouble: str = ""
    """Why the last repair could not be made."""
    _condition: str = ""
    _since: float = 0.0
    _restarts: dict[str, int] = field(default_factory=dict)

    def lasts(self, condition: str, now: float) -> float:
        """For how many seconds it has been so, in a row."""
        if condition != self._condition:
            self._condition, self._since = condition, now
        return now - self._since

    def new_restarts(self, containers: tuple[ContainerInfo, ...]) -> int:
        """Restarts that the engine has made by itself since the last look."""
        known, self._restarts = self._restarts, {c.id: c.restarts for c in containers}
        return sum(max(0, n - known[one]) for one, n in self._restarts.items() if one in known)

    @property
    def is_well(self) -> bool:
        """Or rests, as somebody wanted."""
        return not self.degraded and self._condition in ("well", "resting")

    def well(self) -> None:
        """It has been well for long enough to forget what was wrong."""
        self.degraded, self.trouble, self.beyond, self.held = "", "", False, False
