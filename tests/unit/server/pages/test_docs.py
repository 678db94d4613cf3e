"""docs/page.md says what there is."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.testclient import TestClient

from pipeline.server.acting import Traffic
from pipeline.server.pages import Board
from pipeline.server.pages.api import ENDPOINTS
from pipeline.server.state import State
from tests.support import shop_runs

DOCS = Path(__file__).parents[4] / "docs"
TEXT = (DOCS / "page.md").read_text()


def test_every_endpoint_is_named() -> None:
    said = set(re.findall(r"^\| `((?:GET|POST) \S+)`", TEXT, re.MULTILINE))
    there = {
        f"{e.method} {e.path}".replace("{project}", "NAME").replace("{run}", "RUN")
        for e in ENDPOINTS
    }
    assert said == there


def test_every_metric_is_named(board: Board, client: TestClient, state: State) -> None:
    shop_runs.story(board.store)
    board.collectors = (Traffic(state),)
    shown = set(re.findall(r"^# TYPE (\S+)", client.get("/metrics").text, re.MULTILINE))
    assert shown == set(re.findall(r"^\| `(dockcycle_\w+)`", TEXT, re.MULTILINE))


def test_the_pictures_are_there() -> None:
    pictures = re.findall(r"!\[.+?\]\((page/\S+\.png)\)", TEXT)
    assert pictures
    assert all((DOCS / picture).is_file() for picture in pictures)
