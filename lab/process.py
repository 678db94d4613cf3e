"""Start, watch and end long-running programs so that none is ever lost.

A daemon is known by its process id *and* start time (ids are used again). Everything that it
starts stays in the lab's control group, so that ending the lab ends all of it, by group and never
by name.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

POLL = 0.05
TAIL_BYTES = 2000
# Joins the group before the program begins, so that no child can be born outside it.
JOIN_GROUP = 'echo $$ > "$0/cgroup.procs" && exec "$@"'


def wait_until(ready: Callable[[], bool], timeout: float) -> bool:
    """Ask ``ready`` until it says yes; False after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


def stat_fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; empty if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def identity(pid: int) -> str:
    """``PID:START`` of a living process, else an empty string."""
    fields = stat_fields(pid)
    return f"{pid}:{fields[19]}" if fields and fields[0] not in "ZX" else ""


class Group:
    """A control group of the lab's own, in the hierarchy that tells processes apart."""

    def __init__(self, name: str, mounts: str | None = None) -> None:
        text = Path("/proc/self/mounts").read_text() if mounts is None else mounts
        self.parent = f"/dockcycle-lab/{name}"
        self.mounts = group_mounts(text)
        self.path = Path(f"{self.mounts[0]}{self.parent}")

    def leaf(self) -> Path:
        """The folder that daemons join."""
        folder = self.path / "daemons"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def members(self) -> list[int]:
        """Ids of all processes in the group and below."""
        found: list[int] = []
        for file in self.path.rglob("cgroup.procs"):
            with suppress(OSError):  # a container's group can vanish between listing and reading
                found += map(int, file.read_text().split())
        return found

    def destroy(self, timeout: float) -> None:
        """Kill all members and remove the group. Raises LabError if some outlive ``timeout``."""

        def empty() -> bool:
            members = self.members()
            for pid in members:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not members

        if not wait_until(empty, timeout):
            raise LabError(f"processes {self.members()} of the lab do not end; see `ps`")
        for mount in self.mounts:  # an engine puts its containers into every hierarchy
            files = Path(f"{mount}{self.parent}").rglob("cgroup.procs")
            for folder in sorted((file.parent for file in files), reverse=True):
                with suppress(OSError):  # it stays busy for a moment after its last process
                    folder.rmdir()


def group_mounts(mounts: str) -> list[str]:
    """Where control groups are mounted, the unified hierarchy first."""
    rows = [line.split()[1:3] for line in mounts.splitlines()]
    found = [place for kind in ("cgroup2", "cgroup") for place, type_ in rows if type_ == kind]
    if not found:
        raise LabError("no control groups are mounted at /sys/fs/cgroup; Docker cannot run here")
    return found


@dataclass(frozen=True)
class Daemon:
    """A program that runs in the background, recorded in ``folder``."""

    name: str
    folder: Path
    group: Group

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def record(self) -> Path:
        return self.folder / f"{self.name}.process"

    def pid(self) -> int | None:
        """Its process id, or None if it does not run."""
        with suppress(FileNotFoundError):
            known = self.record.read_text().strip()
            pid = int(known.partition(":")[0] or 0)
            if known and identity(pid) == known:
                return pid
        return None

    def frozen(self) -> bool:
        """Whether it is stopped by a signal."""
        pid = self.pid()
        return pid is not None and stat_fields(pid)[:1] == ["T"]

    def start(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        ready: Callable[[], bool],
        timeout: float,
    ) -> None:
        """Start it and wait until it is ``ready``.

        Raises LabError with the tail of its log if it ends or is not ready in ``timeout`` seconds.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        command = ["/bin/sh", "-c", JOIN_GROUP, str(self.group.leaf()), *map(str, argv)]
        with self.log.open("wb") as log:
            child = subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.record.write_text(identity(child.pid))
        if not wait_until(lambda: child.poll() is not None or ready(), timeout):
            self.kill()
            raise LabError(f"{self.name} not ready after {timeout:.0f} s\n{self.log_tail()}")
        if child.poll() is not None:
            raise LabError(f"{self.name} ended at once\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The end of its log."""
        if not self.log.is_file():
            return ""
        return self.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; False if it does not run."""
        pid = self.pid()
        if pid is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        return True

    def stop(self, timeout: float) -> None:
        """End it politely, and by force if it is not gone after ``timeout`` seconds."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if not wait_until(lambda: self.pid() is None, timeout):
            self.kill()

    def kill(self) -> None:
        """End it by force and wait until it is gone."""
        self.signal(signal.SIGKILL)
        if not wait_until(lambda: self.pid() is None, 10):
            raise LabError(f"{self.name} (process {self.pid()}) cannot be killed")
