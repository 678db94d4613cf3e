"""What forges are told, by a stand-in that answers as they do and checks what comes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.events import PlannedStage
from pipeline.server import reports
from pipeline.server.config import ServedProject
from pipeline.server.forges import FORGES, LONGEST, News
from pipeline.server.queue import Job, Queue
from pipeline.server.reports import Reporter, describe, repository_path
from pipeline.server.wishes import Wish
from pipeline.stage import Secrets
from pipeline.store import Home, StageRecord, Store
from tests.unit.server.payloads import COMMIT

RUN = "20260101T000000-aaaa"
TOKEN = "token-of-the-forge"


@dataclass
class Forge:
    """A stand-in: ``codes`` are answered in turn, then 201."""

    url: str = ""
    codes: list[int] = field(default_factory=list)
    seen: list[tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=list)

    def told(self) -> list[tuple[str, str]]:
        return [(path, body.get("state", "")) for path, body, _ in self.seen]


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    made = Forge()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            made.seen.append((self.path, body, {k.lower(): v for k, v in self.headers.items()}))
            self.send_response(made.codes.pop(0) if made.codes else 201)
            self.send_header("Location", f"{made.url}/elsewhere")
            self.end_headers()
            self.wfile.write(b'{"id": 42}')

        def log_message(self, *_args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(reports, "LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(reports.time, "sleep", lambda _seconds: None)
    yield made
    server.shutdown()
    server.server_close()


@dataclass
class World:
    queue: Queue
    store: Store
    forge: Forge
    lines: list[str] = field(default_factory=list)

    def reporter(self, kind: str = "github") -> Reporter:
        project = served(kind, self.forge.url)
        return Reporter(
            project, self.queue, self.store, Secrets(lambda _name: TOKEN),
            page="https://deploy.example.com", log=self.lines.append,
        )  # fmt: skip

    def job(self, result: str = "", message: str = "") -> Job:
        number = self.queue.put("hello", Wish("push", "refs/heads/main", COMMIT))
        self.queue.claim("hello", RUN)
        if result:
            self.queue.finish(number, result, message)
        return self.queue.job(number)

    def run(self, status: str = "passed", operate: str = "passed") -> None:
        plan = (PlannedStage(key="operate", uses="operate", action="run", reason=""),)
        self.store.begin(RUN, "hello", "pipeline.yml", "webhook", 1, plan)
        stage = StageRecord(key="operate", uses="operate", status=operate, started=1.0, seconds=1.0)
        self.store.stage(RUN, "hello", 0, stage)
        outcome = {"release": "r3", "url": "http://app.example.com"}
        self.store.finish(RUN, status, 0, outcome if status == "passed" else {})


@pytest.fixture
def world(tmp_path: Path, forge: Forge) -> World:
    home = Home(tmp_path / "home")
    return World(Queue(home), Store(home), forge)


def served(kind: str, api: str) -> ServedProject:
    return ServedProject.model_validate(
        {
            "name": "hello",
            "repository": "https://git.example.com/acme/hello.git",
            "secret": "HOOK",
            "environment": "staging",
            "report": {"kind": kind, "api": api, "token": "TOKEN"},
        }
    )


def tell(world: World, *jobs: Job, kind: str = "github") -> None:
    reporter = world.reporter(kind)
    reporter.start()
    for job in jobs:
        reporter.tell(job)
    reporter.stop()


def test_github_is_told_of_a_commit_and_of_its_deployment(world: World) -> None:
    job = world.job()
    tell(world, job)
    world.run()
    world.queue.finish(job.id, "passed")
    tell(world, world.queue.job(job.id))

    status, deployments = f"/repos/acme/hello/statuses/{COMMIT}", "/repos/acme/hello/deployments"
    assert world.forge.told() == [
        (status, "pending"), (status, "success"), (deployments, ""),
        (f"{deployments}/42/statuses", "success"),
    ]  # fmt: skip
    _, body, headers = world.forge.seen[1]
    assert body == {
        "state": "success",
        "context": "dockcycle/hello",
        "description": "r3 at http://app.example.com",
        "target_url": f"https://deploy.example.com/p/hello/runs/{RUN}",
    }
    assert headers["authorization"] == f"Bearer {TOKEN}"
    _, body, _ = world.forge.seen[2]
    assert (body["ref"], body["environment"], body["required_contexts"]) == (COMMIT, "staging", [])
    _, body, _ = world.forge.seen[3]
    assert body["environment_url"] == "http://app.example.com"


def test_a_failed_deployment_is_told_as_one(world: World) -> None:
    job = world.job("failed", "operate: the new version does not answer\nmore")
    world.run("failed", "failed")
    tell(world, job)

    assert [state for _, state in world.forge.told()] == ["failure", "", "failure"]
    description = world.forge.seen[0][1]["description"]
    assert description == "operate: the new version does not answer"


def test_a_run_that_did_not_come_to_deploying_is_no_deployment(world: World) -> None:
    world.run("failed", "skipped")
    tell(world, world.job("failed", "smoke: 500"))
    assert [state for _, state in world.forge.told()] == ["failure"]


@pytest.mark.parametrize(
    ("kind", "path", "header", "states"),
    [
        ("gitlab", f"/projects/acme%2Fhello/statuses/{COMMIT}", ("private-token", TOKEN),
         ["running", "success"]),
        ("gitea", f"/repos/acme/hello/statuses/{COMMIT}", ("authorization", f"token {TOKEN}"),
         ["pending", "success"]),
        ("bitbucket", f"/repositories/acme/hello/commit/{COMMIT}/statuses/build",
         ("authorization", f"Bearer {TOKEN}"), ["INPROGRESS", "SUCCESSFUL"]),
    ],
)  # fmt: skip
def test_other_forges(
    world: World, kind: str, path: str, header: tuple[str, str], states: list[str]
) -> None:
    job = world.job()
    tell(world, job, kind=kind)
    world.queue.finish(job.id, "passed")
    tell(world, kind=kind)  # by a server that was started meanwhile

    assert world.forge.told() == [(path, state) for state in states]
    assert all(headers[header[0]] == header[1] for _, _, headers in world.forge.seen)


def test_what_was_told_is_not_told_again(world: World) -> None:
    job = world.job("passed")
    tell(world, job, job)
    tell(world, job)
    assert len(world.forge.seen) == 1


def test_a_forge_that_is_down_for_a_moment_is_asked_again(world: World) -> None:
    world.forge.codes = [502, 429]
    tell(world, world.job("passed"))
    assert len(world.forge.seen) == 3
    assert world.lines == []


@pytest.mark.parametrize(("code", "asked"), [(401, 1), (404, 1), (302, 1), (503, 3)])
def test_a_report_that_fails_is_a_line_and_nothing_else(
    world: World, code: int, asked: int
) -> None:
    world.forge.codes = [code] * 9
    job = world.job("passed")
    tell(world)

    assert len(world.forge.seen) == asked
    (line,) = world.lines
    assert f"HTTP {code}" in line and TOKEN not in line
    assert world.queue.job(job.id).reported == ""


def test_a_forge_that_is_not_there(world: World) -> None:
    world.forge.url = "http://127.0.0.1:9"
    tell(world, world.job("passed"))
    assert "no answer" in world.lines[0]


def test_long_and_many_lined_words_are_cut(world: World) -> None:
    job = world.job("failed", "x" * 500 + "\nmore")
    news = describe(served("github", "http://x"), job, None, None)
    for forge in FORGES.values():
        assert len(forge.status("acme/hello", news).body["description"]) == LONGEST
    assert isinstance(news, News) and news.url == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/acme/hello.git", "https://{secret:T}@git.example.com/acme/hello",
        "git@git.example.com:acme/hello.git", "ssh://git@git.example.com:22/acme/hello.git/",
    ],
)  # fmt: skip
def test_the_repository_is_known_from_its_url(url: str) -> None:
    assert repository_path(url).removesuffix(".git") == "acme/hello"
