"""The application: what it answers before anything has happened."""

from __future__ import annotations

from starlette.testclient import TestClient


def test_health_is_answered(client: TestClient) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert client.get("/nothing").status_code == 404
