"""What the table is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What was tried, what came of it, what was wanted."""

    what: str
    found: str
    wanted: str
    fine: bool

    def __str__(self) -> str:
        return f"{'ok  ' if self.fine else 'FAIL'} {self.what:<52} {self.found:<26} {self.wanted}"
