"""The network a lab lives in: the machine's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """Where the daemons run."""

    def enter(self, argv: Sequence[str]) -> list[str]:
        """``argv`` so that it runs inside this network."""
        return list(argv)
