"""Services stop before what they depend on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.app import live
from pipeline.ports.engine import ContainerInfo


def container(name: str, started: str) -> ContainerInfo:
    return ContainerInfo(id=name, name=name, image="i", state="running", started=started)


def test_what_was_started_last_stops_first(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        container("db", "2026-01-01T00:00:01Z"),
        container("web", "2026-01-01T00:00:03Z"),
        container("api", "2026-01-01T00:00:02Z"),
    ]
    stopped: list[str] = []
    engine = SimpleNamespace(
        set_restart=lambda *_: None, stop=stopped.append, containers=lambda labels: []
    )
    gate = SimpleNamespace(engine=engine, forget=lambda project: [])
    ledger = SimpleNamespace(current=lambda: None)
    site = SimpleNamespace(project="shop", engine=engine, gate=gate, ledger=ledger)
    monkeypatch.setattr(live, "_some", lambda workspace, current: found)
    done = live.stop(cast(Any, None), cast(Any, site))
    assert stopped == ["web", "api", "db"]
    assert done == ["stopped web", "stopped api", "stopped db"]
