"""The command line: one small module a group; everything heavy is imported inside the commands."""

from __future__ import annotations

import sys


def main() -> int:
    """Carry out ``sys.argv``; the exit code."""
    import pipeline.cli.commands  # noqa: F401 - importing it adds the commands
    from pipeline.cli.door import enter

    return enter(sys.argv[1:])
