"""Unit tests stay inside the process and their own folders: anything else is refused."""

from __future__ import annotations

import ipaddress
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TEMPORARY = Path(tempfile.gettempdir()).resolve()
_connect = socket.socket.connect
LINGERS = 5.0
"""Seconds in which a thread that tests have started must have ended after them."""


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


@pytest.fixture(autouse=True, scope="module")
def no_thread_is_left() -> Iterator[None]:
    """What goes on after its tests takes time and memory from all that follow."""
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + LINGERS
    while (left := _at_work(before)) and time.monotonic() < end:
        time.sleep(0.01)
    assert not left, f"still running after the tests: {left}"


def _at_work(before: set[threading.Thread]) -> list[str]:
    """Threads since then, but those of test servers that wait for a client to go."""
    names = (thread.name for thread in set(threading.enumerate()) - before)
    return [name for name in names if "(process_request_thread)" not in name]
