"""Unit tests stay inside the process and their own folders: anything else is refused."""

from __future__ import annotations

import ipaddress
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest

TEMPORARY = Path(tempfile.gettempdir()).resolve()
_connect = socket.socket.connect


class OutsideWorldError(AssertionError):
    """A unit test wants to leave its process."""


def _guarded(self: socket.socket, address: Any) -> None:
    if self.family == socket.AF_UNIX:
        allowed = Path(str(address)).resolve().is_relative_to(TEMPORARY)
    else:
        allowed = _is_loopback(str(address[0]))
    if not allowed:
        raise OutsideWorldError(
            f"a unit test connects to {address}: mark it `engine`, or use a fake"
        )
    _connect(self, address)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def inside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No engine, no network, no home but an empty one."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setattr(socket.socket, "connect", _guarded)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{home}/no-engine.sock")
    for name in ("DOCKER_CONFIG", "DOCKER_CONTEXT", "DOCKCYCLE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
