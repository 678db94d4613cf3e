"""An engine on another machine, through the ssh command, as the docker command does it.

The SDK's own way reads pipes that can neither be cut nor time out, and wants paramiko installed.
Here a connection is a socket like any other.
"""

from __future__ import annotations

import weakref
from typing import Any
from urllib.parse import urlsplit

from docker import APIClient
from docker.transport.unixconn import (
    UnixHTTPAdapter,
    UnixHTTPConnection,
    UnixHTTPConnectionPool,
)

from pipeline.adapters.ssh import SshConnection, SshHost


def ssh_argv(address: str) -> list[str]:
    """The command that connects its stdin and stdout to the engine at ``ssh://…``.

    Raises:
        EngineUnavailable: the address names no host, or a port that is none.
    """
    host = SshHost.of(address)
    path = urlsplit(address).path.rstrip("/")
    socket = ["--host", f"unix://{path}"] if path else []
    return host.argv(["docker", *socket, "system", "dial-stdio"])


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
        self._ssh: SshConnection | None = None

    def connect(self) -> None:
        self._ssh = SshConnection(self._argv)
        self.sock = self._ssh.sock
        self.sock.settimeout(self.timeout)

    def getresponse(self) -> Any:  # as its parent's
        ssh, self._ssh = self._ssh, None  # which its parent does not close now
        try:
            response = super().getresponse()
        except BaseException as error:
            said = ssh.said() if ssh else ""
            if ssh is not None:
                ssh.close()
            if said and isinstance(error, ConnectionError):
                raise ConnectionResetError(said) from error
            raise
        if self.sock is not None:
            self._ssh = ssh
        elif ssh is not None:  # an answer that ends with its connection, and now has it alone
            weakref.finalize(response, ssh.close)
        return response

    def close(self) -> None:
        super().close()
        ssh, self._ssh = self._ssh, None
        if ssh is not None:
            ssh.close()
