"""An engine on another machine, through the ssh command, as the docker command does it.

The SDK's own way reads pipes that can neither be cut nor time out, and wants paramiko installed.
Here ssh gets one end of a socket pair, so that a connection is a socket like any other.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
from typing import Any
from urllib.parse import urlsplit

from docker import APIClient
from docker.transport.unixconn import (
    UnixHTTPAdapter,
    UnixHTTPConnection,
    UnixHTTPConnectionPool,
)

from pipeline.errors import EngineUnavailable

CONNECT_TIMEOUT = 10
"""Seconds that ssh has to reach the machine."""
_END = 2.0
"""Seconds that ssh has to end when its connection is closed."""


def ssh_argv(address: str) -> list[str]:
    """The command that connects its stdin and stdout to the engine at ``ssh://…``.

    Raises:
        EngineUnavailable: the address names no host, or a port that is none.
    """
    try:
        url = urlsplit(address)
        port = url.port
    except ValueError as error:
        raise EngineUnavailable(f"{address} is no address of an engine: {error}") from error
    if not url.hostname:
        raise EngineUnavailable(
            f"{address} names no host", hint="DOCKER_HOST looks like ssh://user@host."
        )
    argv = ["ssh", "-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_TIMEOUT}"]
    argv += ["-l", url.username] if url.username else []
    argv += ["-p", str(port)] if port else []
    path = url.path.rstrip("/")
    command = ["docker", *(["--host", f"unix://{path}"] if path else []), "system", "dial-stdio"]
    return [*argv, "--", url.hostname, *command]


def mount_ssh(api: APIClient, address: str) -> None:
    """Make all requests of ``api``, which is one for a Unix socket, go through ssh."""
    api.mount("http+docker://", _Adapter(ssh_argv(address)))


class _Adapter(UnixHTTPAdapter):
    def __init__(self, argv: list[str]) -> None:
        super().__init__("http+unix://ssh")
        self._argv = argv

    def get_connection(self, url: bytes | str, proxies: object = None) -> UnixHTTPConnectionPool:
        with self.pools.lock:
            pool = self.pools.get(url)
            if pool is None:
                pool = self.pools[url] = _Pool(str(url), self._argv)
            return pool


class _Pool(UnixHTTPConnectionPool):
    def __init__(self, url: str, argv: list[str]) -> None:
        super().__init__(url, "ssh")
        self._argv = argv

    def _new_conn(self) -> Any:  # one like its parent's, whatever the stubs say
        return _Connection(self.base_url, self._argv)


class _Connection(UnixHTTPConnection):
    def __init__(self, url: str, argv: list[str]) -> None:
        super().__init__(url, "ssh")
        self._argv = argv
        self._process: subprocess.Popen[bytes] | None = None

    def connect(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                self._argv, stdin=theirs.fileno(), stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        ours.settimeout(self.timeout)
        self.sock = ours

    def close(self) -> None:
        super().close()
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END)
