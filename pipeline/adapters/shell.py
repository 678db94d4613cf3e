"""Commands on this machine, each in a process group of its own that ends with the scope."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from pipeline.adapters.lines import MAX_LINE, LineSplitter, Tail
from pipeline.errors import NotFound
from pipeline.ports.engine import OnLine
from pipeline.ports.shell import Completed
from pipeline.scope import Scope

GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""
SLICE = 0.5
"""Seconds after which a wait looks at the scope again."""


class LocalShell:
    """Implements ``pipeline.ports.Shell``."""

    def run(
        self, argv: Sequence[str], *, cwd: str | None = None,
        environment: Mapping[str, str] | None = None, stdin: str | None = None,
        on_line: OnLine | None = None, scope: Scope,
    ) -> Completed:  # fmt: skip
        return run_argv(
            argv, cwd=cwd, environment=environment, stdin=stdin, on_line=on_line, scope=scope
        )


def run_argv(
    argv: Sequence[str], *, cwd: str | None = None, environment: Mapping[str, str] | None = None,
    stdin: str | None = None, on_line: OnLine | None = None, scope: Scope, hint: str = "",
    pass_fds: Sequence[int] = (), longest_line: int = MAX_LINE,
) -> Completed:  # fmt: skip
    """Run ``argv`` to its end, or to the scope's; nothing of its process group outlives the call.

    stdout and stderr arrive as one, line by line. ``environment`` is added to what is inherited.
    ``hint`` goes into the error when there is no such program. Lines longer than ``longest_line``
    bytes come in parts.

    Raises:
        NotFound: there is no such program or directory, or it cannot be executed.
        Cancelled, DeadlineExceeded: the scope ended first.
    """
    scope.check()
    started = time.monotonic()
    process = _spawn(argv, cwd, environment, stdin is not None, hint, pass_fds)
    tail = Tail()
    try:
        with scope.cancelling(lambda: _signal(process, signal.SIGTERM)):
            _feed(process, stdin)
            _read(process, tail, LineSplitter(longest_line), on_line or _ignore, scope)
            _wait(process, scope)
    finally:
        _end(process)
    if scope.cancelled:
        scope.check()
    return Completed(
        exit_code=process.returncode, output=tail.text, seconds=time.monotonic() - started
    )


def _ignore(_line: str) -> None:
    pass


def _spawn(
    argv: Sequence[str], cwd: str | None, environment: Mapping[str, str] | None, feeds: bool,
    hint: str, pass_fds: Sequence[int],
) -> subprocess.Popen[bytes]:  # fmt: skip
    if cwd is not None and not Path(cwd).is_dir():
        raise NotFound(f"the directory {cwd} does not exist")
    try:
        # A session of its own: no terminal to ask for passwords on, no Ctrl-C behind our back.
        return subprocess.Popen(
            list(argv), cwd=cwd, env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            pass_fds=pass_fds,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise NotFound(
            f"the program {argv[0]} is not installed",
            hint=hint or f"Install {argv[0]}, or add its folder to PATH.",
        ) from error
    except OSError as error:
        raise NotFound(f"{argv[0]} cannot be run: {error.strerror}", hint=hint) from error


def _feed(process: subprocess.Popen[bytes], text: str | None) -> None:
    """Write stdin from a thread: a program may print before it has read all of it."""
    pipe = process.stdin
    if pipe is None or text is None:
        return

    def write() -> None:
        with contextlib.suppress(OSError), pipe:  # it may end without reading
            pipe.write(text.encode())

    threading.Thread(target=write, name="stdin", daemon=True).start()


def _read(
    process: subprocess.Popen[bytes], tail: Tail, lines: LineSplitter,
    on_line: Callable[[str], None], scope: Scope,
) -> None:  # fmt: skip
    for chunk in _chunks(process, scope):
        tail.add(chunk)
        for line in lines.feed(chunk):
            on_line(line)
    for line in lines.flush():
        on_line(line)


def _chunks(process: subprocess.Popen[bytes], scope: Scope) -> Iterator[bytes]:
    """Output as it comes, until its end; that of left-over children only until the leader's end."""
    pipe = cast("IO[bytes]", process.stdout).fileno()
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    over: float | None = None
    while over is None or time.monotonic() < over:
        scope.check()
        if over is None and process.poll() is not None:
            over = time.monotonic() + SLICE
        if poll.poll(0 if over else scope.remaining(SLICE) * 1000):
            data = os.read(pipe, 65536)
            if not data:
                return
            yield data
        elif over is not None:
            return


def _wait(process: subprocess.Popen[bytes], scope: Scope) -> None:
    while True:
        try:
            process.wait(scope.remaining(SLICE))
            return
        except subprocess.TimeoutExpired:
            scope.check()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the process group, politely first."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    _signal(process, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    if process.stdout is not None:
        process.stdout.close()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
