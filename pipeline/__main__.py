"""``python -m pipeline`` and the ``dockcycle`` command."""

from __future__ import annotations

import sys


def main() -> int:
    """Answer ``--version`` without loading anything; hand the rest to the command line."""
    if sys.argv[1:] == ["--version"]:
        from pipeline import __version__

        sys.stdout.write(f"dockcycle {__version__}\n")
        return 0
    from pipeline.cli import main as command_line

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
