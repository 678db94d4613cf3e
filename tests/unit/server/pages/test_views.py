"""What the pages show, and what they never do: hostile text as markup, secrets, strangers' runs."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from pipeline.app.status import Status
from pipeline.server.pages import Board
from pipeline.server.pages.health import Health, Standing
from tests.support import page, shop_runs

HOSTILE = "<img src=x onerror=alert(1)>\"'\u202e\x1b[2J"


class Elements(HTMLParser):
    """All tags and attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_overview_says_what_is_live_and_what_ran_last(board: Board, client: TestClient) -> None:
    shop_runs.story(board.store)
    text = client.get("/").text
    for words in ("shop", "r14", "http://shop.example.com", "Show stock on the product page"):
        assert words in text


def test_a_project_without_an_engine_or_a_run_has_a_page(board: Board, client: TestClient) -> None:
    board.health = Health(lambda _name: Standing(problem="the Docker engine does not answer"))
    answer = client.get("/p/shop")
    assert answer.status_code == 200
    assert "the Docker engine does not answer" in answer.text
    assert "There is no run yet." in answer.text
    board.health = Health(lambda name: Standing(Status(project=name, state="absent")))
    assert "Nothing of it is on this engine." in client.get("/p/shop").text


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("status=failed", "Round prices", "Place orders"),
        ("branch=pricing", "Round prices", "Place orders"),
        ("trigger=cli", "Send receipts", "Round prices"),
        ("before=20261124T071200-55ee", "Place orders", "Round prices"),
    ],
)
def test_the_history_has_filters(
    board: Board, client: TestClient, query: str, shown: str, hidden: str
) -> None:
    shop_runs.story(board.store)
    runs = client.get(f"/p/shop?{query}").text.split('id="runs"')[1]
    assert shown in runs
    assert hidden not in runs


def test_a_failed_run_begins_with_its_cause(board: Board, client: TestClient) -> None:
    runs = shop_runs.story(board.store)
    text = client.get(f"/p/shop/runs/{runs['failed']}").text
    cause = text.index("smoke: an order can be placed: status 500, expected 201")
    assert cause < text.index('class="card picture"')
    assert "ROUND_HALF_EVENT" in text[cause : text.index('class="card picture"')]
    assert "r14 still serves at http://shop.example.com" in text
    assert "data-stream" not in text


def test_a_run_shows_checks_digests_commit_and_what_changed(
    board: Board, client: TestClient
) -> None:
    runs = shop_runs.story(board.store)
    text = client.get(f"/p/shop/runs/{runs['released']}").text
    for words in (
        "the worker is awake", "sha256:9c0e9c0e9c0e…", "41d941d941d9", "148 MB", "app.services.api",
        f"https://git.example.com/acme/shop/commit/{page.COMMIT * 2}",
    ):  # fmt: skip
        assert words in text, words
    assert '<span class="ink-2">Successfully installed' in text


def test_a_run_that_died_is_told_as_lost(board: Board, client: TestClient) -> None:
    runs = shop_runs.story(board.store)
    text = client.get(f"/p/shop/runs/{runs['running']}").text
    assert "The run died without a word" in text
    with page.alive(board.store):
        text = client.get(f"/p/shop/runs/{runs['running']}").text
    assert "The run died" not in text
    assert "data-stream" in text


def test_hostile_names_and_lines_stay_text(board: Board, client: TestClient) -> None:
    told = page.begin(board.store, "20261124T080000-77aa", page.NOW - 60, trigger=HOSTILE)
    told.start("code")
    told.log("code", HOSTILE, "javascript:alert(1)", step=HOSTILE)
    taken = page.source(HOSTILE, branch=HOSTILE) | {"author": HOSTILE, "remote": "javascript:x"}
    told.tell(page.notice(HOSTILE, "warning"), page.check(HOSTILE, passed=False, message=HOSTILE))
    told.end("code", 1, summary=HOSTILE, artifacts={"Source": taken})
    told.finish("passed", 0, {"url": "javascript:alert(1)", "release": HOSTILE, "commit": HOSTILE})
    for path, query in (
        ("/", ""),
        ("/p/shop", ""),
        ("/p/shop/runs/latest", ""),
        ("/p/shop", HOSTILE),
    ):
        text = client.get(path, params={"branch": query}).text
        elements = Elements(text).found
        assert not [tag for tag, _ in elements if tag in ("img", "iframe", "object")]
        assert not [a for _, attrs in elements for a in attrs if a.startswith("on") or a == "style"]
        links = [attrs.get("href") or "" for _, attrs in elements]
        assert not [link for link in links if link.startswith("javascript")]
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)


def test_only_listed_projects_and_their_own_runs_are_shown(
    board: Board, client: TestClient
) -> None:
    page.begin(board.store, "20261124T080000-77aa", page.NOW, project="secret")
    for path in (
        "/p/secret", "/p/secret/runs/20261124T080000-77aa", "/p/shop/runs/20261124T080000-77aa",
        "/p/shop/runs/2026", "/badge/secret.svg", "/p/shop/runs/20261124T080000-77aa/stream",
        "/p/shop/runs/20261124T080000-77aa/log.txt", "/static/../views.py",
    ):  # fmt: skip
        assert client.get(path).status_code == 404, path
    assert "secret" not in client.get("/metrics").text


def test_every_answer_is_fenced_in(board: Board, client: TestClient) -> None:
    for path in ("/", "/p/shop", "/login", "/nowhere", "/api/projects", "/static/style.css"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_pages_need_no_inline_code_or_style(board: Board, client: TestClient) -> None:
    runs = shop_runs.story(board.store)
    for path in (
        "/",
        "/p/shop",
        f"/p/shop/runs/{runs['failed']}",
        "/login",
        "/p/shop/rollback/r13",
    ):
        for tag, attrs in Elements(client.get(path).text).found:
            assert tag != "style"
            assert "style" not in attrs
            assert tag != "script" or (attrs.get("src") or "").startswith("/static/")


def test_static_files_are_kept_and_change_their_address(client: TestClient) -> None:
    address = re.search(r'href="(/static/style.css\?v=[0-9a-f]{12})"', client.get("/").text)
    assert address
    assert "immutable" in client.get(address[1]).headers["cache-control"]
    assert client.get("/").headers["cache-control"] == "no-store"


def test_the_plain_log_is_text(board: Board, client: TestClient) -> None:
    runs = shop_runs.story(board.store)
    answer = client.get(f"/p/shop/runs/{runs['released']}/log.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "128 passed in 2.41s" in answer.text
    assert "\x1b" not in answer.text


def test_the_badge_says_how_it_stands(board: Board, client: TestClient) -> None:
    answer = client.get("/badge/shop.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "shop: live r14" in answer.text
    board.health = Health(lambda _name: Standing(problem="no engine"))
    assert "shop: unknown" in client.get("/badge/shop.svg").text
