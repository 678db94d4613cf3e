from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.adapters import guard
from pipeline.adapters.docker import client as client_module
from tests.unit.adapters.docker.daemon import Daemon


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    monkeypatch.setattr(client_module, "PATIENCE", 0.3)
    monkeypatch.setattr(client_module, "PING", 2.0)
    monkeypatch.setattr(guard, "PROBE_EVERY", 0.1)
    server = Daemon(tmp_path / "docker.sock")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join()
