"""A bare git repository that tests push to, with a switch that makes it refuse."""

from __future__ import annotations

from pathlib import Path

from lab.shell import run

HOOK = """#!/bin/sh
if [ -e "$(dirname "$0")/../refuse-pushes" ]; then
  echo "this remote refuses pushes" >&2
  exit 1
fi
"""


def create(path: Path) -> None:
    """Make the bare repository, unless it is there."""
    if not (path / "HEAD").is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        run(["git", "init", "--quiet", "--bare", "--initial-branch=main", path], timeout=30)
    hook = path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK)
    hook.chmod(0o755)


def refuse_pushes(path: Path, refuse: bool) -> None:
    """Make the repository refuse every push, or take them again."""
    switch = path / "refuse-pushes"
    if refuse:
        switch.touch()
    else:
        switch.unlink(missing_ok=True)
