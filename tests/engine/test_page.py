"""The page over a real server and a real engine: what is live, and a rollback by the token."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.engine.conftest import AppUnderTest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

TOKEN = "let-me-in-let-me-in"
SERVE = """\
listen: 127.0.0.1:0
poll: 1h
token: TOKEN
secrets: {{TOKEN: {{env: TOKEN}}, HOOK: {{env: HOOK}}}}
projects:
  - {{name: {name}, repository: {origin}, secret: HOOK}}
"""


@pytest.fixture
def serve(app: AppUnderTest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Starts a server for the app; its address."""
    started: list[subprocess.Popen[str]] = []

    def start() -> str:
        file = tmp_path / "serve.yml"
        file.write_text(SERVE.format(name=app.name, origin=app.directory))
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "serve", "--config", str(file)], cwd=tmp_path,
            text=True, stderr=subprocess.PIPE,
            env=app.environment({"TOKEN": TOKEN, "HOOK": "it-is-a-secret-to-everybody"}),
        )  # fmt: skip
        started.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        threading.Thread(target=process.stderr.read, daemon=True).start()
        return found[0]

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


def until(condition: Callable[[], object], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


def test_a_release_comes_back_by_the_page(app: AppUnderTest, serve: Callable[[], str]) -> None:
    for version in (1, 2):
        app.write(f'"good {version}"')
        app.commit(f"version {version}")
        shipped = app.run()
        assert shipped.code == 0, shipped.text
    url = serve()
    api = f"{url}/api/projects/{app.name}"

    def get(path: str = "") -> Any:
        answer = requests.get(f"{api}{path}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    until(lambda: get()["state"] == "live", get)
    assert get()["status"]["release"] == "r2"
    assert [one["id"] for one in get("/releases")["releases"]] == ["r2", "r1"]
    text = requests.get(f"{url}/p/{app.name}", timeout=30).text
    assert "Roll back" in text
    assert "version 2" in text
    text = requests.get(f"{url}/metrics", timeout=30).text
    assert f'dockcycle_up{{project="{app.name}"}} 1.0' in text

    body = {"release": "r1"}
    assert requests.post(f"{api}/rollback", json=body, timeout=30).status_code == 401
    assert app.get().text == "good 2"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    accepted = requests.post(f"{api}/rollback", json=body, headers=headers, timeout=30)
    assert accepted.status_code == 202, accepted.text
    until(lambda: get("/runs")["runs"][0]["kind"] == "rollback", lambda: get("/runs"))
    until(lambda: get("/runs/latest")["status"] == "passed", lambda: get("/runs"))
    assert app.get().text == "good 1"
    latest = get("/runs")["runs"][0]
    assert (latest["kind"], latest["trigger"]) == ("rollback", "page")
    assert latest["outcome"]["release"] == "r1"
    until(lambda: get()["status"]["release"] == "r1", get)
    whole = app.command("show", latest["id"], "--json")
    assert whole.json == get(f"/runs/{latest['id']}")
