"""The endpoint: what is told to whom, and that nothing is accepted before it is kept."""

from __future__ import annotations

import concurrent.futures
import json
import random

import pytest
from starlette.testclient import TestClient

from pipeline.errors import StoreUnusable
from pipeline.server import hooks
from pipeline.server.state import State
from tests.unit.server.conftest import SECRET
from tests.unit.server.payloads import DISTRIBUTION, DOCKER_HUB, GITHUB_PUSH, body, digest, github

HOOK = "/hooks/hello"


def test_a_ping_is_answered_and_leaves_nothing(client: TestClient, state: State) -> None:
    answer = client.post(HOOK, **github(SECRET, {"zen": "Half measures"}, event="ping"))
    assert (answer.status_code, answer.json()) == (200, {"status": "pong"})
    assert state.queue.deliveries() == []


def test_a_push_is_queued_once(client: TestClient, state: State) -> None:
    first = client.post(HOOK, **github(SECRET, GITHUB_PUSH))
    second = client.post(HOOK, **github(SECRET, GITHUB_PUSH))

    assert (first.status_code, first.json()["status"]) == (202, "queued")
    assert (second.status_code, second.json()["status"]) == (200, "duplicate")
    assert len(state.queue.deliveries()) == 1


def test_the_same_delivery_a_hundred_times_at_once_is_one(client: TestClient, state: State) -> None:
    request = github(SECRET, GITHUB_PUSH)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(lambda _: client.post(HOOK, **request).status_code, range(100)))

    assert sorted(codes) == [200] * 99 + [202]
    assert len(state.queue.deliveries()) == len(state.queue.jobs()) == 1


def test_what_is_not_signed_leaves_no_trace_but_a_count(client: TestClient, state: State) -> None:
    source = random.Random(7)
    good = github(SECRET, GITHUB_PUSH)
    for _ in range(200):
        data = bytearray(good["content"])
        data[source.randrange(len(data))] ^= 1 << source.randrange(8)
        bad = {**good, "content": bytes(data)}
        if source.random() < 0.5:
            name = source.choice(list(good["headers"])[1:])
            bad["headers"] = {**good["headers"], name: source.randbytes(20).hex()}
        assert client.post(HOOK, **bad).status_code == 401
    assert client.post(HOOK, content=b"x").status_code == 401

    assert state.queue.deliveries() == state.queue.jobs() == []
    assert state.hooks.counts == {("hello", "unsigned"): 201}


def test_docker_hub_has_the_secret_in_its_address(client: TestClient) -> None:
    data = body(DOCKER_HUB)
    assert client.post(f"{HOOK}?secret={SECRET}", content=data).status_code == 202
    assert client.post(f"{HOOK}?secret=guess", content=data).status_code == 401


def test_what_is_nothing_to_do_is_told_why(client: TestClient) -> None:
    answer = client.post(HOOK, **github(SECRET, GITHUB_PUSH | {"ref": "refs/heads/x"}))
    assert answer.status_code == 200
    assert answer.json() == {"status": "ignored", "reason": "x is none of `branches:`"}

    headers = {"authorization": f"Bearer {SECRET}"}
    answer = client.post(HOOK, content=body(DISTRIBUTION), headers=headers)
    assert answer.json()["reason"] == "acme/base:3.13 is none of `images:`"


def test_a_signed_body_that_means_nothing_is_a_mistake(client: TestClient) -> None:
    assert client.post(HOOK, **github(SECRET, [1])).status_code == 400
    deep = b"[" * 100_000
    headers = {
        "x-github-event": "push",
        "x-hub-signature-256": f"sha256={digest(SECRET, deep)}",
    }
    assert client.post(HOOK, content=deep, headers=headers).status_code == 400


def test_an_unknown_project_and_another_method(client: TestClient) -> None:
    assert client.post("/hooks/other", **github(SECRET, GITHUB_PUSH)).status_code == 404
    assert client.get(HOOK).status_code == 405


def test_a_body_that_is_too_large_is_not_read_to_its_end(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "LARGEST", 1000)
    assert client.post(HOOK, content=b"x" * 1001).status_code == 413
    sent = []

    def endless() -> object:
        while len(sent) < 100:
            sent.append(1)
            yield b"x" * 200

    assert client.post(HOOK, content=endless()).status_code == 413


def test_a_large_body_is_read_whole(client: TestClient) -> None:
    large = GITHUB_PUSH | {"more": "x" * (3 * hooks.LARGE)}
    assert client.post(HOOK, **github(SECRET, large)).status_code == 202


def test_nothing_is_accepted_that_could_not_be_kept(
    client: TestClient, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_deliveries: object) -> list[object]:
        raise StoreUnusable("disk full")

    monkeypatch.setattr(state.inbox, "_keep", full)
    answer = client.post(HOOK, **github(SECRET, GITHUB_PUSH))
    assert answer.status_code == 503
    monkeypatch.undo()
    assert client.post(HOOK, **github(SECRET, GITHUB_PUSH)).status_code == 202


def test_hostile_names_come_out_as_plain_text(client: TestClient) -> None:
    evil = "refs/heads/\x1b]0;owned\x07<script>\u202e\ud800"
    data = json.dumps(GITHUB_PUSH | {"ref": evil}).encode()
    headers = {
        "x-github-event": "push",
        "x-github-delivery": "\x7f",
        "x-hub-signature-256": f"sha256={digest(SECRET, data)}",
    }
    answer = client.post(HOOK, content=data, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["reason"].isprintable()
