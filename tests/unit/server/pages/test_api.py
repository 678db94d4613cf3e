"""The JSON API is what its document says, and acts for the token alone."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from pipeline.server.pages import Board
from pipeline.server.pages.api import ENDPOINTS
from pipeline.server.pages.door import TRIES
from pipeline.server.pages.health import Health, Standing
from pipeline.store import Store
from tests.support import page, shop_runs

AUTHORISED = {"Authorization": f"Bearer {page.TOKEN}"}
RELEASED = "20261124T063100-44dd"


def document(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def test_the_document_is_valid_and_names_every_endpoint(client: TestClient) -> None:
    found = document(client)
    validate(found)
    assert found["openapi"] == "3.1.0"
    assert found["servers"] == [{"url": "https://deploy.example.com"}]
    said = {(m.upper(), p) for p, methods in found["paths"].items() for m in methods}
    assert said == {(one.method, one.path) for one in ENDPOINTS}
    names = [m["operationId"] for methods in found["paths"].values() for m in methods.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if not e.acts], ids=lambda e: e.path)
def test_answers_are_of_the_documented_form(
    board: Board, client: TestClient, endpoint: Any
) -> None:
    shop_runs.story(board.store)
    answer = client.get(endpoint.path.format(project="shop", run=RELEASED))
    assert answer.status_code == 200
    whole = document(client)
    content = whole["paths"][endpoint.path]["get"]["responses"]["200"]["content"]
    jsonschema.validate(
        answer.json(), content["application/json"]["schema"] | {"components": whole["components"]}
    )


def test_a_run_is_the_record_that_show_prints(board: Board, client: TestClient) -> None:
    shop_runs.story(board.store)
    record = board.store.run(RELEASED).to_json()
    assert client.get(f"/api/projects/shop/runs/{RELEASED}").json() == json.loads(
        json.dumps(record)
    )


def test_runs_are_listed_page_by_page(board: Board, client: TestClient) -> None:
    shop_runs.story(board.store)
    ids: list[str] = []
    before = ""
    while True:
        body = client.get(f"/api/projects/shop/runs?limit=2&before={before}").json()
        ids += [run["id"] for run in body["runs"]]
        before = body["next"]
        if not before:
            break
    assert ids == [run.id for run in board.store.runs("shop")]
    failed = client.get("/api/projects/shop/runs?status=failed").json()["runs"]
    assert [run["failed"] for run in failed] == ["smoke"]
    assert client.get("/api/projects/shop/runs?limit=0").status_code == 400


def test_events_are_read_on_from_a_number(board: Board, client: TestClient) -> None:
    shop_runs.story(board.store)
    path = f"/api/projects/shop/runs/{RELEASED}/events"
    whole = client.get(path).json()
    assert whole["finished"] is True
    assert whole["events"][0]["event"]["type"] == "run_started"
    rest = client.get(f"{path}?after={whole['last'] - 1}").json()
    assert [one["event"]["type"] for one in rest["events"]] == ["run_finished"]


@pytest.mark.parametrize(
    ("path", "body", "asked"),
    [
        ("/api/projects/shop/runs", {"branch": "main"}, ("run", "shop", "main")),
        ("/api/projects/shop/runs", None, ("run", "shop", "")),
        ("/api/projects/shop/rollback", {"release": "r13"}, ("rollback", "shop", "r13")),
        (f"/api/projects/shop/runs/{RELEASED}/cancel", None, ("cancel", "shop", RELEASED)),
    ],
)
def test_actions_need_the_token(
    board: Board, client: TestClient, wishes: page.Wishes, path: str, body: Any,
    asked: tuple[str, ...],
) -> None:  # fmt: skip
    shop_runs.story(board.store)
    refused = client.post(path, json=body)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.json()["error"]["message"]
    assert wishes.asked == []
    content = None if body is None else json.dumps(body).encode()
    assert client.post(path, content=content, headers=AUTHORISED).status_code == 202
    assert wishes.asked == [asked]


def test_a_session_of_the_page_is_no_token(logged_in: TestClient, wishes: page.Wishes) -> None:
    assert logged_in.post("/api/projects/shop/runs").status_code == 401
    assert wishes.asked == []


def test_wrong_tokens_are_made_to_wait(client: TestClient) -> None:
    wrong = {"Authorization": "Bearer guess"}
    codes = [
        client.post("/api/projects/shop/runs", headers=wrong).status_code for _ in range(TRIES + 1)
    ]
    assert codes == [401] * TRIES + [429]


@pytest.mark.parametrize("body", ['{"release": "--help"}', '{"release": "r1", "x": 1}', "[", "{}"])
def test_a_body_is_checked(client: TestClient, wishes: page.Wishes, body: str) -> None:
    answer = client.post("/api/projects/shop/rollback", content=body, headers=AUTHORISED)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert wishes.asked == []


def test_what_is_not_there_is_told_as_json(client: TestClient) -> None:
    for path in ("/api/projects/none", "/api/projects/shop/runs/none", "/api/none"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"]["message"]


def samples(client: TestClient) -> dict[tuple[str, ...], float]:
    text = client.get("/metrics").text
    return {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_are_what_the_record_and_the_engine_say(board: Board, client: TestClient) -> None:
    shop_runs.story(board.store)
    found = samples(client)
    assert found["dockcycle_runs_total", "shop", "failed", "webhook"] == 1
    assert found["dockcycle_runs_total", "shop", "passed", "cli"] == 2
    assert found["dockcycle_up", "shop"] == 1
    assert found["dockcycle_release", "shop"] == 14
    assert found["dockcycle_restarts", "shop"] == 1
    assert found["dockcycle_last_run_seconds", "shop"] > 30

    board.health = Health(lambda _name: Standing(problem="no engine"))
    found = samples(client)
    assert found["dockcycle_engine_answers", "shop"] == found["dockcycle_up", "shop"] == 0


def test_names_in_metrics_are_escaped(board: Board, client: TestClient) -> None:
    store: Store = board.store
    page.begin(store, "20261124T080000-77aa", page.NOW, trigger='a"\\\nb')
    assert samples(client)["dockcycle_runs_total", "shop", "running", 'a"\\\nb'] == 1
