"""What a supervisor has to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["repaired", "degraded", "recovered", "left", "settled", "failed", "noticed"]
"""``repaired``: something was done, which may or may not help. ``degraded``: no more is tried for
now. ``recovered``: it is well again. ``left``: somebody stopped it, and it stays so. ``settled``:
what a dead run left was put right. ``failed``: a repair could not be made. ``noticed``: the engine
went away, or came back."""


@dataclass(frozen=True)
class Happening:
    """One thing that a supervisor noticed or did. ``at`` is a Unix time."""

    kind: Kind
    project: str
    message: str
    service: str = ""
    release: str = ""
    at: float = 0.0

    def __str__(self) -> str:
        what = f"{self.project} {self.service}".strip()
        return f"{what}: {self.message}" if what else self.message


KEEPS = "keeps the live releases of"
"""What a supervisor says when it has come to work."""
Tell = Callable[[Happening], None]
