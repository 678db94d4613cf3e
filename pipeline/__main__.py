"""``python -m pipeline`` and the ``dockcycle`` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Answer ``--version`` without loading anything; hand the rest to the command line."""
    if sys.argv[1:] == ["--version"]:
        from importlib.metadata import version

        sys.stdout.write(f"dockcycle {version('dockcycle')}\n")
        return
    from pipeline.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
