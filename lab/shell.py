"""Run other programs: argument lists, always a deadline, output in the error when they fail."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError

TAIL_LINES = 15


def run(
    argv: Sequence[str | Path],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> str:
    """Return what ``argv`` wrote to its standard output.

    Raises LabError with the tail of its output if it fails, is missing, or takes more than
    ``timeout`` seconds.
    """
    command = [str(word) for word in argv]
    try:
        done = subprocess.run(
            command,
            env=env,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{command[0]}: not found on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(command[:4])}: no end after {timeout:.0f} s") from error
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-TAIL_LINES:])
        raise LabError(f"{' '.join(command[:6])}: exit code {done.returncode}\n{tail}")
    return done.stdout


def succeeds(
    argv: Sequence[str | Path], *, timeout: float, env: Mapping[str, str] | None = None
) -> bool:
    """Whether ``argv`` ends with exit code 0 within ``timeout`` seconds."""
    try:
        run(argv, timeout=timeout, env=env)
    except LabError:
        return False
    return True
