"""One run at a time: who waits is told who holds, and a dead holder frees the lock."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import Cancelled, Locked, StoreUnusable
from pipeline.scope import Scope
from pipeline.store import Home, LockHolder, ProjectLock

HOLD = """
import sys, time
from pathlib import Path
from pipeline.scope import Scope
from pipeline.store import Home, ProjectLock
lock = ProjectLock(Home(Path(sys.argv[1])), "hello")
with lock.hold("run other", wait=0, scope=Scope(), on_wait=lambda holder: None):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> ProjectLock:
    return ProjectLock(Home(tmp_path), "hello")


@pytest.fixture
def other(tmp_path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_told_who_holds_the_lock(
    lock: ProjectLock, other: subprocess.Popen[str]
) -> None:
    holder = lock.holder()
    assert holder is not None
    assert (holder.pid, holder.what) == (other.pid, "run other")

    with (
        pytest.raises(Locked, match=f"run other \\(process {other.pid}, since"),
        lock.hold("run mine", wait=0, scope=Scope(), on_wait=lambda holder: None),
    ):
        raise AssertionError("two runs at once")
    other.communicate("")


def test_a_killed_holder_frees_the_lock_and_a_waiting_run_goes_on(
    lock: ProjectLock, other: subprocess.Popen[str]
) -> None:
    told: list[LockHolder | None] = []

    def on_wait(holder: LockHolder | None) -> None:
        told.append(holder)
        os.kill(other.pid, signal.SIGKILL)

    with lock.hold("run mine", wait=30, scope=Scope(30), on_wait=on_wait):
        mine = lock.holder()
        assert mine is not None and mine.pid == os.getpid()
    assert [holder.pid for holder in told if holder] == [other.pid]
    assert lock.holder() is None
    other.communicate()


def test_waiting_ends_when_the_run_is_interrupted(
    lock: ProjectLock, other: subprocess.Popen[str]
) -> None:
    scope = Scope()
    with (
        pytest.raises(Cancelled),
        lock.hold("run", wait=30, scope=scope, on_wait=lambda holder: scope.cancel()),
    ):
        raise AssertionError("the lock is held by another")
    other.communicate("")


def test_a_full_disk_is_told_and_frees_the_lock(
    lock: ProjectLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(StoreUnusable, match="No space left"):
        patch.setattr(os, "pwrite", full)
        with lock.hold("run me", wait=0, scope=Scope(), on_wait=print):
            pytest.fail("nobody would know who has it")
    assert lock.holder() is None
