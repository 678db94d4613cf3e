"""What the page shows and asks of a real server."""

from __future__ import annotations

import os
import signal

import pytest
from starlette.testclient import TestClient

from pipeline.errors import NotFound
from pipeline.server.acting import Acting, board_for
from pipeline.server.state import State
from pipeline.server.wishes import Wish
from tests.support.page import alive, begin


def test_what_is_asked_for_goes_through_the_queue(state: State) -> None:
    acting = Acting(state)
    acting.run("hello", "main")
    acting.run("hello", "no-such-branch")
    acting.roll_back("hello", "r12")
    asked = [(job.kind, job.ref) for job in reversed(state.queue.jobs("hello"))]
    assert asked == [("asked", "refs/heads/main"), ("asked", ""), ("rollback", "r12")]
    assert [one.what for one in acting.waiting("hello")] == [
        "main", "what was run last", "rollback to r12"
    ]  # fmt: skip


def test_a_run_of_somebody_else_is_ended_by_a_signal(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    acting = Acting(state)
    run = "20261124T080000-77aa"
    told = begin(state.store, run, 0, project="hello")
    with alive(state.store, "hello", f"run {run}"):
        acting.cancel("hello", run)
    assert sent == [(os.getpid(), signal.SIGTERM)]

    with alive(state.store, "hello", "run of another"), pytest.raises(NotFound, match="any more"):
        acting.cancel("hello", run)
    told.finish("passed", 0)
    with pytest.raises(NotFound, match="any more"):
        acting.cancel("hello", run)
    assert len(sent) == 1


def test_the_server_has_pages_and_its_own_numbers(state: State, client: TestClient) -> None:
    assert "hello" in client.get("/").text
    assert client.get("/p/hello").status_code == 200
    client.post("/hooks/hello", content=b"{}")
    text = client.get("/metrics").text
    assert 'dockcycle_deliveries_total{outcome="' in text
    assert 'dockcycle_queued_jobs{project="hello"}' in text


def test_credentials_of_a_repository_are_not_shown(state: State) -> None:
    project = state.settings.serve.projects[0]
    url = "https://bot:{secret:HOOK}@git.example.com/acme/hello"
    served = state.settings.serve.model_copy(
        update={"projects": (project.model_copy(update={"repository": url}),)}
    )
    object.__setattr__(state.settings, "serve", served)
    assert board_for(state).projects["hello"].repository == "https://git.example.com/acme/hello"


def test_a_second_wish_for_the_same_release_is_one(state: State) -> None:
    one = state.queue.put("hello", Wish("rollback", "r12"))
    assert state.queue.put("hello", Wish("rollback", "r12")) == one
