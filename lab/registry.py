"""Registries: the Docker Hub stand-in and its writer, and a private one with a password."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from lab.network import Network
from lab.packages import Toolbox
from lab.process import Daemon, Group
from lab.shell import run

LISTEN = "0A"
START_TIMEOUT = 20.0
STOP_TIMEOUT = 5.0
GARBAGE_TIMEOUT = 120.0


def configuration(
    storage: Path, address: str, *, readonly: bool = False, htpasswd: Path | None = None
) -> dict[str, object]:
    """The settings of a registry that listens on ``address`` (HOST:PORT)."""
    config: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": not readonly},
            "maintenance": {"readonly": {"enabled": readonly}},
        },
        "http": {"addr": address},
    }
    if htpasswd:
        config["auth"] = {"htpasswd": {"realm": "lab", "path": str(htpasswd)}}
    return config


def listens(pid: int, port: int) -> bool:
    """Whether something listens on TCP ``port`` in the network that process ``pid`` lives in."""
    try:
        lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return False
    rows = (line.split() for line in lines)
    return any(row[1].endswith(f":{port:04X}") and row[3] == LISTEN for row in rows)


@dataclass(frozen=True)
class Registry:
    """One registry process."""

    name: str
    folder: Path
    group: Group
    toolbox: Toolbox
    network: Network
    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def config_file(self) -> Path:
        return self.folder / f"{self.name}.json"

    @property
    def daemon(self) -> Daemon:
        return Daemon(self.name, self.folder, self.group)

    def up(self, config: dict[str, object]) -> None:
        """Make it run with ``config``. Raises LabError with its log if it does not answer."""
        daemon = self.daemon
        if daemon.pid() is not None and self.answers():
            return
        daemon.stop(STOP_TIMEOUT)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(json.dumps(config))  # JSON is YAML
        argv = [self.toolbox.program("docker-registry"), "serve", str(self.config_file)]
        daemon.start(
            self.network.enter(argv),
            env=self.toolbox.environ(os.environ),
            ready=self.answers,
            timeout=START_TIMEOUT,
        )

    def answers(self) -> bool:
        """Whether it listens on its port."""
        pid = self.daemon.pid()
        return pid is not None and listens(pid, self.port)

    def down(self) -> None:
        """Stop it."""
        self.daemon.stop(STOP_TIMEOUT)

    def collect_garbage(self) -> None:
        """Delete from its storage what no tag leads to; it must not run."""
        program = self.toolbox.program("docker-registry")
        argv: list[str | Path] = [program, "garbage-collect", "--delete-untagged", self.config_file]
        run(argv, timeout=GARBAGE_TIMEOUT)
