"""What ``make demo`` and ``make test`` do: find or start an engine, then run the project on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from lab.bases import Base
from lab.errors import LabError
from lab.shell import run, succeeds
from lab.stack import Stack

ROOT = Path(__file__).parent.parent
TEST_LAB = "test"
DEMO_IMAGES = ("python:3.11-slim", "registry:2")
APART = "disruptive or long"
QUIET = ("-m", f"not ({APART} or corpus or action)", "-n", "2", "--dist", "worksteal")
TROUBLE = ("-m", APART)
CHUNK = 65536
LOOK = 0.1
"""Seconds between two looks at tests that run."""
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
    """Run pytest with ``words`` inside a lab in a network of its own, and end that.

    Returns its exit code. Raises LabError if the lab cannot be had.
    """
    with up_for_tests(stack, stack.tested()):
        return patiently(start_pytest(stack, environ, words))


def test_all(stack: Stack, trouble: Stack, environ: Mapping[str, str]) -> int:
    """Run all tests but those of the corpus and of act. Those that break their engine, or take long
    by themselves, have a lab of their own, ``trouble``, one after the other; what they say is shown
    after the others have ended.

    Returns the exit code of the first that fail. Raises LabError if a lab cannot be had.
    """
    for each in (stack, trouble):
        each.down(purge=True)  # tests count what is there: nothing that an interrupted run left
    with (
        up_for_tests(stack, stack.defaults()),
        up_for_tests(trouble, trouble.defaults()),
        tempfile.TemporaryFile() as said,
        start_pytest(trouble, environ, TROUBLE, said) as second,
        start_pytest(stack, environ, QUIET) as first,
    ):
        codes = [patiently(first)]
        stack.say(
            "and those that break their engine or take long, meanwhile in a lab of their own:"
        )
        codes.append(patiently(second, said))
        return next((code for code in codes if code), 0)


@contextmanager
def up_for_tests(stack: Stack, wanted: Iterable[Base]) -> Iterator[None]:
    """The lab is up, in a network of its own, for the block."""
    stack.up(wanted, net="own")
    try:
        yield
    finally:
        stack.down(purge=False)


def start_pytest(
    stack: Stack, environ: Mapping[str, str], words: Sequence[str], said: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Begin to run pytest inside the lab; its output goes to ``said`` if given."""
    argv = stack.network.enter([sys.executable, "-m", "pytest", *words])
    return subprocess.Popen(
        argv, cwd=ROOT, env={**environ, **stack.environment()}, stdout=said, stderr=said
    )


def patiently(tests: subprocess.Popen[bytes], said: IO[bytes] | None = None) -> int:
    """Wait for the end of pytest, meanwhile showing what it wrote to ``said``; its exit code.

    Ctrl-C is for pytest, which ends by itself.
    """
    # Not before it has started: what is ignored when a program starts is ignored in it, too.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if said is not None:
            show(said, tests)
        return tests.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def show(said: IO[bytes], tests: subprocess.Popen[bytes]) -> None:
    """Copy what ``tests`` write there to standard output, until they have ended."""
    shown, ended = 0, False
    while not ended:
        ended = tests.poll() is not None
        while text := os.pread(said.fileno(), CHUNK, shown):
            shown += len(text)
            sys.stdout.buffer.write(text)
        sys.stdout.flush()
        if not ended:
            time.sleep(LOOK)
