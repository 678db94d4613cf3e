"""Commands on this machine: the user's own checks, and tools such as hadolint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from pipeline.artifacts import Frozen
from pipeline.ports.engine import OnLine
from pipeline.scope import Scope


class Completed(Frozen):
    exit_code: int
    """Negative for a signal, as in ``subprocess``."""
    output: str
    """stdout and stderr as they came, capped at 64 KiB (the end is kept)."""
    seconds: float


class Shell(Protocol):
    def run(
        self, argv: Sequence[str], *, cwd: str | None = None,
        environment: Mapping[str, str] | None = None, stdin: str | None = None,
        on_line: OnLine | None = None, scope: Scope,
    ) -> Completed:  # fmt: skip
        """Run an argv list in a process group of its own, which ends with the scope.

        ``environment`` None inherits; a mapping is added to what is inherited.

        Raises:
            NotFound: there is no such program.
        """
