"""The lab's own dockerd: start, stop, freeze, thaw, kill."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from lab.network import Network
from lab.packages import Toolbox
from lab.paths import Lab
from lab.process import Daemon, Group
from lab.shell import run

START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0
GROUP_TIMEOUT = 20.0
ANSWER_TIMEOUT = 5.0


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def healthy(path: Path, timeout: float = ANSWER_TIMEOUT) -> bool:
    """Whether the engine on the socket ``path``, and its containerd, answer within ``timeout``
    seconds. Raises PermissionError if this user may not ask."""
    connection = UnixConnection(path, timeout)
    try:
        connection.request("GET", "/version")
        version = json.loads(connection.getresponse().read())
    except PermissionError:
        raise  # not a matter of the engine's health
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return "containerd" in {part["Name"] for part in version.get("Components", [])}


def settings(lab: Lab, group: Group, mirror: str) -> dict[str, object]:
    """The engine's configuration file: nothing of it is shared with another engine."""
    return {
        "hosts": [lab.docker_host],
        "data-root": str(lab.state / "docker"),
        "exec-root": str(lab.run / "exec"),
        "pidfile": str(lab.run / "docker.pid"),
        "registry-mirrors": [mirror],
        "cgroup-parent": f"{group.parent}/containers",
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "shutdown-timeout": 5,
    }


def unmount_below(*folders: Path) -> None:
    """Unmount whatever a killed engine left mounted below ``folders``."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in reversed(mounts):
        if any(Path(mount).is_relative_to(folder) for folder in folders):
            run(["umount", "--lazy", mount], timeout=30)


@dataclass(frozen=True)
class Engine:
    """The engine of one lab."""

    lab: Lab
    toolbox: Toolbox
    network: Network
    group: Group

    @property
    def daemon(self) -> Daemon:
        return Daemon("dockerd", self.lab.run, self.group)

    def up(self, mirror: str) -> None:
        """Make it run and answer, whatever state it is in.

        ``mirror`` is the URL of the registry that stands for Docker Hub. Raises LabError with the
        engine's log if it does not come up.
        """
        daemon = self.daemon
        if daemon.frozen():
            self.thaw()
        if daemon.pid() is not None and healthy(self.lab.socket):
            return
        self.down()
        file = self.lab.run / "daemon.json"
        file.write_text(json.dumps(settings(self.lab, self.group, mirror)))
        daemon.start(
            self.network.enter([self.toolbox.program("dockerd"), f"--config-file={file}"]),
            env=self.toolbox.environ(os.environ),
            ready=lambda: healthy(self.lab.socket),
            timeout=START_TIMEOUT,
        )

    def state(self) -> str:
        """up, frozen, unhealthy (it or its containerd does not answer) or down."""
        if self.daemon.pid() is None:
            return "down"
        if self.daemon.frozen():
            return "frozen"
        return "up" if healthy(self.lab.socket) else "unhealthy"

    def down(self) -> None:
        """Stop it, and end and unmount whatever it, or one killed before, left behind."""
        self.daemon.stop(STOP_TIMEOUT)
        self.group.destroy(GROUP_TIMEOUT)
        unmount_below(self.lab.state, self.lab.run)
        # A stale containerd.pid costs the next start 10 s if a process has that number.
        for name in ("docker.pid", "docker.sock", "exec/containerd/containerd.pid"):
            (self.lab.run / name).unlink(missing_ok=True)

    def restart(self, mirror: str) -> None:
        """Stop it and start it again."""
        self.down()
        self.up(mirror)

    def freeze(self) -> bool:
        """Stop it from answering, as a machine without memory or disk would; False if not up."""
        return self.daemon.signal(signal.SIGSTOP)

    def thaw(self) -> bool:
        """Let it go on after ``freeze``; False if not up."""
        return self.daemon.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it without a chance to clean up; containers stay until it starts again."""
        self.daemon.kill()
