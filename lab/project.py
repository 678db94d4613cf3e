"""What ``make demo`` and ``make test`` do: find or start an engine, then run the project on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from lab.errors import LabError
from lab.shell import run, succeeds
from lab.stack import Stack

ROOT = Path(__file__).parent.parent
TEST_LAB = "test"
DEMO_IMAGES = ("python:3.11-slim", "registry:2")
PASSES = (
    ("-m", "not disruptive and not corpus", "-n", "2", "--dist", "worksteal"),
    ("-m", "disruptive"),
)
INTERRUPTED = 2
"""Exit code of pytest."""
ENGINE_TIMEOUT = 10.0
PULL_TIMEOUT = 300.0


def engine_answers(environ: Mapping[str, str]) -> bool:
    """Whether the docker command of ``environ`` reaches an engine."""
    argv = ["docker", "version", "--format", "{{.Server.Version}}"]
    return succeeds(argv, timeout=ENGINE_TIMEOUT, env=environ)


def require_images(environ: Mapping[str, str], images: Sequence[str] = DEMO_IMAGES) -> None:
    """Raises LabError if the engine of ``environ`` has not, and cannot get, one of ``images``."""
    for image in images:
        if not succeeds(["docker", "image", "inspect", image], timeout=ENGINE_TIMEOUT, env=environ):
            try:
                run(["docker", "pull", "--quiet", image], timeout=PULL_TIMEOUT, env=environ)
            except LabError as error:
                raise LabError(
                    f"your Docker engine cannot get {image}:\n{error}\n"
                    "To use a private engine with base images of its own instead: make demo LAB=1"
                ) from error


def demo(stack: Stack, environ: Mapping[str, str]) -> NoReturn:
    """Become a run of pipeline.yml on the machine's own engine if that answers, else (or with
    LAB=1) on the lab's.

    Raises LabError if there is no engine to be had.
    """
    argv = [sys.executable, "-m", "pipeline", "run"]
    used = dict(environ)
    if environ.get("LAB") != "1" and engine_answers(environ):
        require_images(environ)
    else:
        stack.up(stack.defaults())
        used |= stack.environment()
        argv = stack.network.enter(argv)
    os.chdir(ROOT)
    os.execvpe(argv[0], argv, used)


def test(stack: Stack, environ: Mapping[str, str], words: Sequence[str]) -> int:
    """Run pytest inside a lab in a network of its own, and end it.

    Without ``words`` (arguments for pytest) that is all tests but those of the corpus, in two
    passes: side by side those that leave the engine alone, then one by one those that break it.
    Returns the exit code of the first pass that fails. Raises LabError if the lab cannot be had.
    """
    passes = [words] if words else PASSES
    if not words:
        stack.down(purge=True)  # tests count what is there: nothing that an interrupted run left
    stack.up(stack.tested() if words else stack.defaults(), net="own")
    codes: list[int] = []
    try:
        for arguments in passes:
            stack.up([])  # whatever the pass before did to the engine
            argv = stack.network.enter([sys.executable, "-m", "pytest", *arguments])
            codes.append(patiently(argv, {**environ, **stack.environment()}))
            if codes[-1] == INTERRUPTED:
                break
    finally:
        stack.down(purge=False)
    return next((code for code in codes if code), 0)


def patiently(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run pytest to its end; its exit code. Ctrl-C is for pytest, which ends by itself."""
    with subprocess.Popen(argv, cwd=ROOT, env=environ) as tests:
        # Not before: what is ignored when a program starts is ignored in it, too.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return tests.wait()
        finally:
            signal.signal(signal.SIGINT, before)
