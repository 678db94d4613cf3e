"""A run as a process of its own: the command line, so that it is the same run as anybody's.

A crash of it leaves the server as it was; and it outlives a server that is killed, which finds it
again by its id.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pipeline.errors import DockcycleError
from pipeline.scope import Scope

CLEAN_UP = 90.0
"""Seconds between SIGTERM, which lets a run clean up, and SIGKILL."""
REAP = 10.0
"""Seconds after SIGKILL in which a process is gone, usually."""
SLICE = 0.25
TOLD = 8192
"""Bytes of what a command complained about."""


@dataclass(frozen=True)
class Order:
    """A command line of ours (without the program) for the pipeline in ``folder``."""

    folder: Path
    args: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Ended:
    """``stopped``: why it was ended before its time."""

    exit_code: int
    complaint: str = ""
    stopped: DockcycleError | None = None


def run_order(order: Order, scope: Scope, meanwhile: Callable[[], None]) -> Ended:
    """Carry out an order to its end, or ask it to end when the scope does; ``meanwhile`` is called
    a few times a second."""
    with tempfile.TemporaryFile() as complaints:
        process = _spawn(order, complaints)
        try:
            stopped = _wait(process, scope, meanwhile)
        finally:
            _end(process)
        complaints.seek(max(0, complaints.seek(0, os.SEEK_END) - TOLD))
        words = complaints.read().decode("utf-8", "replace").strip()
    code = -signal.SIGKILL if process.returncode is None else process.returncode
    return Ended(code, words, stopped)


def argv(order: Order) -> list[str]:
    """``-P``: nothing that lies in the working directory is taken for a module of ours."""
    return [sys.executable, "-P", "-m", "pipeline", "-C", str(order.folder), *order.args]


def _spawn(order: Order, complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    # The events are in the store; a pipe would end the run when the server is killed.
    return subprocess.Popen(
        argv(order), cwd=order.folder.parent, env=dict(order.environ), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=complaints, start_new_session=True,
    )  # fmt: skip


def _wait(
    process: subprocess.Popen[bytes], scope: Scope, meanwhile: Callable[[], None]
) -> DockcycleError | None:
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(scope.remaining(SLICE))
            return None
        try:
            scope.check()
            meanwhile()
        except DockcycleError as error:
            _signal(process, signal.SIGTERM, group=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(CLEAN_UP)
            return error


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing of its process group stays."""
    _signal(process, signal.SIGKILL, group=True)
    with contextlib.suppress(subprocess.TimeoutExpired):  # stuck in the kernel: the queue goes on
        process.wait(REAP)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals, *, group: bool) -> None:
    """To the run alone, which tells its own children; or to all that is left."""
    with contextlib.suppress(ProcessLookupError):
        if group:
            os.killpg(process.pid, number)
        elif process.poll() is None:
            process.send_signal(number)
