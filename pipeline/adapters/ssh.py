"""Another machine through the ssh command: each connection is one end of a socket pair.

Keys, agents, jump hosts and known hosts are those of the user's own ssh. Nothing listens on this
machine for it, so no other user of it gets a way to the far one.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from pipeline.errors import EngineUnavailable

CONNECT_TIMEOUT = 10
"""Seconds that ssh has to reach the machine."""
PERSIST = 20
"""Seconds that a connection which others share outlives the last of them."""
_END = 2.0
"""Seconds that ssh has to end when its connection is closed."""
_LONGEST_FOLDER = 45
"""Characters. A socket's path has 104 at most: what ssh puts behind the folder needs the rest."""
_SAID = 2000
"""Bytes at the end of what ssh said."""


@dataclass(frozen=True)
class SshHost:
    """A machine, as ``ssh://[user@]host[:port]`` names it."""

    name: str
    user: str = ""
    port: int | None = None

    @classmethod
    def of(cls, address: str) -> SshHost:
        """Raises ``EngineUnavailable``: the address names no host, or a port that is none."""
        try:
            url = urlsplit(address)
            port = url.port
        except ValueError as error:
            raise EngineUnavailable(f"{address} is no address of an engine: {error}") from error
        if not url.hostname:
            raise EngineUnavailable(
                f"{address} names no host", hint="An engine behind ssh is ssh://user@host."
            )
        return cls(url.hostname, url.username or "", port)

    def argv(self, command: Sequence[str] = (), *, forward: str = "") -> list[str]:
        """Connect stdin and stdout to a ``command`` there, or to a port ``forward`` (HOST:PORT, as
        seen from there). Never asks for anything."""
        return [
            "ssh", "-T",
            "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_TIMEOUT}",
            "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3",
            *_sharing(),
            *(["-l", self.user] if self.user else []),
            *(["-p", str(self.port)] if self.port else []),
            *(["-W", forward] if forward else []),
            "--", self.name, *command,
        ]  # fmt: skip

    @contextlib.contextmanager
    def dial(self, host: str, port: int, limit: float) -> Iterator[socket.socket]:
        """A connection to a port as it is reached from that machine; ``limit`` is the timeout of
        the socket. One that nobody takes ends at once, without a byte."""
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        connection = SshConnection(self.argv(forward=target))
        try:
            connection.sock.settimeout(limit)
            yield connection.sock
        finally:
            connection.close()


class SshConnection:
    """A running ssh and the socket that leads through it."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._said = ""
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
        self.sock, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                argv, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=self._stderr,
                start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        """What ssh, or the command there, complained of; also once it is closed."""
        if self._stderr.closed:
            return self._said
        size = os.fstat(self._stderr.fileno()).st_size
        text = os.pread(self._stderr.fileno(), _SAID, max(0, size - _SAID))
        return text.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """End it. Idempotent."""
        self.sock.close()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_END)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(_END)
        self._said = self.said()
        self._stderr.close()


def _sharing() -> list[str]:
    """Let all connections to a machine share one that is authenticated, where there is a safe place
    for its socket. It ends by itself, also when we are killed."""
    folder = _private_folder()
    if folder is None:
        return []
    return [
        "-o", "ControlMaster=auto", "-o", f"ControlPath={folder}/%C",
        "-o", f"ControlPersist={PERSIST}",
    ]  # fmt: skip


def _private_folder() -> Path | None:
    """A folder that only this user can look into; None when there is none."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base) / f"dockcycle-{os.getuid()}"
    if len(str(folder)) > _LONGEST_FOLDER:
        return None
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return folder if ours and not found.st_mode & 0o077 else None
