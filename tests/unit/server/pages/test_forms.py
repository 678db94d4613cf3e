"""Acting needs the token, a form of ours, and this site."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from pipeline.server.pages import Board, Door
from pipeline.server.pages.door import TRIES
from pipeline.server.pages.forms import own_path
from tests.support import page, shop_runs

ROLLBACK = "/p/shop/rollback/r13"
ACTIONS = ("/p/shop/run", ROLLBACK, "/p/shop/runs/20261124T063100-44dd/cancel", "/logout")


@pytest.mark.parametrize("path", ACTIONS)
def test_nothing_is_done_without_a_session(
    board: Board, client: TestClient, wishes: page.Wishes, path: str
) -> None:
    shop_runs.story(board.store)
    answer = client.post(path, data={"csrf": "x"})
    assert answer.status_code == 403
    assert "nothing was done" in answer.text
    assert wishes.asked == []


@pytest.mark.parametrize("path", ACTIONS)
@pytest.mark.parametrize("fields", [{}, {"csrf": "guessed"}])
def test_nothing_is_done_by_a_strangers_form(
    board: Board, logged_in: TestClient, wishes: page.Wishes, path: str, fields: dict[str, str]
) -> None:
    shop_runs.story(board.store)
    assert logged_in.post(path, data=fields).status_code == 403
    assert wishes.asked == []


def test_a_form_of_another_site_is_refused(
    logged_in: TestClient, csrf: str, wishes: page.Wishes
) -> None:
    answer = logged_in.post(
        "/p/shop/run", data={"csrf": csrf}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert wishes.asked == []


def test_who_has_shown_the_token_may_act(
    board: Board, logged_in: TestClient, csrf: str, wishes: page.Wishes
) -> None:
    runs = shop_runs.story(board.store)
    answer = logged_in.post(ROLLBACK, data={"csrf": csrf})
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/shop?done=rollback")
    assert "The rollback is asked for" in logged_in.get("/p/shop?done=rollback").text
    logged_in.post("/p/shop/run", data={"csrf": csrf, "branch": "main"})
    logged_in.post(f"/p/shop/runs/{runs['running']}/cancel", data={"csrf": csrf})
    assert wishes.asked == [
        ("rollback", "shop", "r13"), ("run", "shop", "main"), ("cancel", "shop", runs["running"])
    ]  # fmt: skip


def test_a_release_that_is_not_kept_cannot_come_back(
    logged_in: TestClient, csrf: str, wishes: page.Wishes
) -> None:
    assert logged_in.get("/p/shop/rollback/r99").status_code == 404
    assert logged_in.post("/p/shop/rollback/r99", data={"csrf": csrf}).status_code == 404
    assert logged_in.post("/p/shop/rollback/--help", data={"csrf": csrf}).status_code == 404
    assert wishes.asked == []


def test_why_something_cannot_be_done_is_told(
    logged_in: TestClient, csrf: str, wishes: page.Wishes
) -> None:
    wishes.refuses = True
    answer = logged_in.post("/p/shop/run", data={"csrf": csrf})
    assert answer.status_code == 503
    assert "another run of shop is under way" in answer.text
    assert "Wait for it." in answer.text


def test_wrong_tokens_are_refused_and_then_made_to_wait(client: TestClient) -> None:
    for _ in range(TRIES):
        answer = client.post("/login", data={"token": "guess"})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    answer = client.post("/login", data={"token": page.TOKEN})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_logging_out_ends_the_session(logged_in: TestClient, csrf: str) -> None:
    assert "Log out" in logged_in.get("/").text
    assert logged_in.post("/logout", data={"csrf": csrf}).status_code == 303
    assert "Log in" in logged_in.get("/").text


def test_without_a_token_the_page_is_for_looking(board: Board, client: TestClient) -> None:
    board.door = Door(None)
    assert "Log in" not in client.get("/p/shop").text
    assert "Roll back" not in client.get("/p/shop").text
    assert client.post("/login", data={"token": ""}).status_code == 403


def test_a_form_has_a_limit(client: TestClient) -> None:
    assert client.post("/login", content=b"token=" + b"x" * 100_000).status_code == 413


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/p/shop?status=failed", "/p/shop?status=failed"),
        ("//evil.example.com", "/"), ("https://evil.example.com", "/"),
        ("/\\evil.example.com", "/"), ("/a\nSet-Cookie: x", "/"), ("", "/"),
    ],
)  # fmt: skip
def test_a_login_leads_to_a_page_of_ours(target: str, path: str) -> None:
    assert own_path(target) == path
