"""HTTP and TCP as another machine sees them."""

from __future__ import annotations

import socket
from contextlib import AbstractContextManager

from pipeline.adapters.http import DirectHttp
from pipeline.adapters.ssh import SshHost
from pipeline.ports.http import HttpFailure

_PATIENCE = 5.0
"""Seconds for a connection that only shows whether somebody listens."""


class SshHttp(DirectHttp):
    """Implements ``pipeline.ports.Http``, from the machine at the other end of an ssh connection:
    its loopback address and its containers' own are reached as they are there."""

    stays_open = 1.0  # ssh takes it at once; that nobody is there shows after the way to and fro

    def __init__(self, host: SshHost) -> None:
        self._host = host

    def dial(self, host: str, port: int, limit: float) -> AbstractContextManager[socket.socket]:
        return self._host.dial(host, port, limit)

    def port_free(self, host: str, port: int) -> bool:
        """Does nobody listen there? That is all that can be asked from here."""
        try:
            self.tcp(host or "127.0.0.1", port, _PATIENCE)
        except HttpFailure:
            return True
        return False
