from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipeline.server.pages import Board
from tests.support import page


@pytest.fixture
def wishes() -> page.Wishes:
    return page.Wishes()


@pytest.fixture
def board(tmp_path: Path, wishes: page.Wishes) -> Iterator[Board]:
    made = page.board(tmp_path / "home", now=page.NOW, actions=wishes)
    yield made
    made.health.close()
    made.store.close()


@pytest.fixture
def client(board: Board) -> Iterator[TestClient]:
    with TestClient(page.application(board), follow_redirects=False) as started:
        yield started


@pytest.fixture
def logged_in(client: TestClient) -> TestClient:
    answer = client.post("/login", data={"token": page.TOKEN, "next": "/p/shop"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/shop")
    return client


@pytest.fixture
def csrf(logged_in: TestClient) -> str:
    """What a form of this session carries."""
    text = logged_in.get("/p/shop").text
    return text.split('name="csrf" value="')[1].split('"')[0]
