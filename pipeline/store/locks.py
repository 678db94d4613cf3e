"""One run at a time for a project: ``flock``, so that a dead holder frees it by dying."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import IO

from pipeline.errors import Locked
from pipeline.scope import Scope
from pipeline.store.home import Home

REPAIR = "a repair by the supervisor"
"""What a lock is held for that is soon given back."""
REPAIR_SECONDS = 60.0
"""For so long one that is held for a repair is waited for, however short the wait."""
UNSIGNED_SECONDS = 1.0
"""The same for one whose holder has not said yet what for, or is only looking."""


@dataclass(frozen=True)
class LockHolder:
    """Who has the lock: process id, what it does, since when (Unix time)."""

    pid: int
    what: str
    since: float

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC).astimezone()
        return f"{self.what} (process {self.pid}, since {since:%H:%M:%S})"


class ProjectLock:
    """The lock of one project on this machine."""

    def __init__(self, home: Home, project: str) -> None:
        folder = home.ensure(home.path / "locks")
        self._path = folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', project)}.lock"
        self._project = project
        self._home = home

    def holder(self) -> LockHolder | None:
        """Who has it now; None when it is free."""
        if not self._path.exists():
            return None
        with self._open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(handle)
            return None

    @contextmanager
    def hold(
        self, what: str, *, wait: float, scope: Scope,
        on_wait: Callable[[LockHolder | None], None],
    ) -> Iterator[None]:  # fmt: skip
        """Hold the lock for the block.

        Waits up to ``wait`` seconds; ``on_wait`` is called once with the holder when it must.

        Raises:
            Locked: it is still held after that.
        """
        with self._open() as handle:
            self._acquire(handle, wait, scope, on_wait)
            self._sign(handle, LockHolder(os.getpid(), what, time.time()))
            try:
                yield
            finally:
                handle.truncate(0)
                fcntl.flock(handle, fcntl.LOCK_UN)

    def _acquire(
        self, handle: IO[str], wait: float, scope: Scope,
        on_wait: Callable[[LockHolder | None], None],
    ) -> None:  # fmt: skip
        begun, told = time.monotonic(), False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _read(handle)
            else:
                return
            if time.monotonic() - begun >= max(wait, _brief(holder)):
                raise Locked(
                    f"another run of {self._project} is under way: {holder or 'just starting'}",
                    hint="Wait for it, or give --wait SECONDS to wait here.",
                )
            if not told:
                on_wait(holder)
                told = True
            scope.sleep(0.1)

    def _sign(self, handle: IO[str], holder: LockHolder) -> None:
        """Past the handle's buffer: what did not get to a full disk must not be tried again when
        the file is closed."""
        try:
            os.ftruncate(handle.fileno(), 0)
            os.pwrite(handle.fileno(), json.dumps(asdict(holder)).encode(), 0)
        except OSError as error:
            raise self._home.unusable(error) from error

    def _open(self) -> IO[str]:
        try:
            return self._path.open("a+")
        except OSError as error:
            raise self._home.unusable(error) from error


def _brief(holder: LockHolder | None) -> float:
    """Seconds after which it should be free again by itself; 0 when that is not known."""
    if holder is None:
        return UNSIGNED_SECONDS
    return REPAIR_SECONDS if holder.what == REPAIR else 0.0


def _read(handle: IO[str]) -> LockHolder | None:
    handle.seek(0)
    try:
        return LockHolder(**json.loads(handle.read()))
    except (ValueError, TypeError):
        return None  # the holder has just taken it and not yet signed
