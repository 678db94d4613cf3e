"""``status --watch``: shown again when it has changed, through absences of the engine."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator

import pytest
from rich.console import Console

from pipeline.app.status import ServiceStatus, Status
from pipeline.cli import status as shown
from pipeline.errors import Cancelled, EngineUnavailable
from pipeline.scope import Scope

WEB = ServiceStatus(
    service="web", container="hello-r1", state="running", health="healthy", since="", restarts=0,
    image=f"sha256:{'a' * 64}",
)  # fmt: skip
LIVE = Status(project="hello", state="live", release="r1", services=(WEB,))
DEGRADED = Status(
    project="hello", state="degraded", release="r1",
    services=(
        ServiceStatus(
            service="web", container="", state="gone", health="none", since="", restarts=0,
            image="", trouble="its container is gone\x1b[31m",
        ),
    ),
)  # fmt: skip


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "INTERVAL", 0.001)


def looks(*states: Status | Exception) -> tuple[Callable[[], Status], Scope]:
    """A look that gives one after the other; with the last one the scope ends."""
    scope = Scope()
    left: Iterator[Status | Exception] = iter(states)

    def look() -> Status:
        state = next(left)
        if state is states[-1]:
            scope.cancel()
        if isinstance(state, Exception):
            raise state
        return state

    return look, scope


def test_it_is_printed_again_only_when_it_has_changed(capsys: pytest.CaptureFixture[str]) -> None:
    gone = EngineUnavailable("no Docker engine answers at unix:///x")
    look, scope = looks(LIVE, LIVE, gone, gone, DEGRADED)
    with pytest.raises(Cancelled):
        shown.watch(look, scope, as_json=False, live=False)
    told = capsys.readouterr().out
    assert told.count("State    live") == 1
    assert told.count("no Docker engine answers") == 1
    assert told.index("live") < told.index("no Docker engine") < told.index("degraded")
    assert "web: its container is gone" in told
    assert "\x1b" not in told


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    look, scope = looks(LIVE, EngineUnavailable("gone"), LIVE, DEGRADED)
    with pytest.raises(Cancelled):
        shown.watch(look, scope, as_json=True, live=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("state", line.get("error")) for line in lines] == [
        "live", "gone", "live", "degraded",
    ]  # fmt: skip


def test_a_terminal_has_one_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    terminal = Console(file=stream, force_terminal=True, width=80)
    monkeypatch.setattr(shown, "console", lambda: terminal)
    look, scope = looks(LIVE, EngineUnavailable("no engine"), DEGRADED)
    with pytest.raises(Cancelled):
        shown.watch(look, scope, as_json=False, live=True)
    told = stream.getvalue()
    assert "\x1b[2K" in told  # drawn over
    assert "no engine" in told
    assert "gone" in told.rpartition("no engine")[2]
