"""Accidents of the lab that the tests run in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lab(*words: str, timeout: float = 180) -> str:
    """``python -m lab …`` on this lab; what it printed."""
    argv = [sys.executable, "-m", "lab", *words]
    done = subprocess.run(argv, cwd=ROOT, text=True, capture_output=True, timeout=timeout,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def state() -> dict[str, str]:
    """What ``python -m lab status`` says; its exit code tells whether the engine is up."""
    argv = [sys.executable, "-m", "lab", "status", "--json"]
    done = subprocess.run(argv, cwd=ROOT, text=True, capture_output=True, timeout=60, check=False)
    said: dict[str, str] = json.loads(done.stdout)
    return said


def require_own_lab() -> None:
    """Fail unless this lab is one that may be broken: in a network of its own."""
    if state().get("network") != "own":
        pytest.fail(
            "disruptive tests break the engine: run them with `python -m lab test`, or in a lab "
            "of their own (python -m lab --name breakable up --net own)"
        )


def mend() -> None:
    """Make the engine work again, whatever has been done to it."""
    if state()["engine"] == "frozen":
        lab("thaw")
    if state()["engine"] != "up":
        lab("restart")
