"""What one attempt at a check came to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    PASSED = "passed"
    NOT_YET = "not yet"
    """Nobody answers yet: worth asking until the deadline."""
    WRONG = "wrong"
    """An answer, but not the right one: worth asking for as long as the check has patience."""
    FINAL = "final"
    """No use asking again."""


@dataclass(frozen=True)
class Attempt:
    verdict: Verdict
    message: str = ""
    hint: str = ""
    pause: float | None = None
    """Seconds until asking again makes sense, where that is known."""
    port: int | None = None
    """The container port that nobody answered on."""


PASSED = Attempt(Verdict.PASSED)
