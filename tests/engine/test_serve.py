"""From a push to the new version being live, through the server, with a real repository."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from pipeline.server.queue import Queue
from pipeline.store import Home, RunRecord, Store
from tests.engine.conftest import AppUnderTest, leftovers
from tests.engine.world import answer

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

SECRET = "it-is-a-secret-to-everybody"
SERVE = """\
listen: 127.0.0.1:0
url: https://deploy.example.com
poll: 1h
secrets:
  HOOK: {{env: HOOK}}
  FORGE: {{env: FORGE}}
projects:
  - name: {name}
    repository: {origin}
    secret: HOOK
    sender: [github, gitlab]
    pull_requests: true
    report: {{api: "{forge}", token: FORGE, repository: acme/hello}}
"""
PIPELINE = """\
name: {name}
stages:
  - code
  - dockerfile:
      instructions:
        - FROM: python:3.11-slim
        - COPY: app.py /app.py
        - USER: 65534
        - CMD: [python, -u, /app.py]
  - build
  - run: {{port: 8000}}
  - smoke: {{within: 20s, checks: [{{get: /, expect: {{body: version}}}}]}}
  - track: {{push: origin}}
  - operate: {{publish: {port}, keep: 2}}
"""


@dataclass
class Forge:
    """A stand-in for GitHub's interface."""

    told: list[tuple[str, str, str]] = field(default_factory=list)
    """Path, commit or environment, state."""

    def states(self, commit: str) -> list[str]:
        return [state for path, _, state in self.told if path.endswith(f"/statuses/{commit}")]


@dataclass
class Site:
    """A repository, a server that follows it, and what it reports to."""

    app: AppUnderTest
    origin: Path
    forge: Forge
    file: Path
    engine: docker.DockerClient
    process: subprocess.Popen[str] | None = None
    url: str = ""
    lines: list[str] = field(default_factory=list)
    """What the server says."""

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "serve", "--config", str(self.file)],
            cwd=self.file.parent, text=True, stderr=subprocess.PIPE,
            env=self.app.environment({"HOOK": SECRET, "FORGE": "token-of-the-forge"}),
        )  # fmt: skip
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        self.url = found[0]
        threading.Thread(target=self._listen, args=(self.process.stderr,), daemon=True).start()

    def _listen(self, stream: Iterable[str]) -> None:
        for line in stream:
            self.lines.append(line)

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(120)

    def push(self, version: int) -> str:
        self.app.git("pull", "-q", "--rebase", "origin", "main")
        self.app.write(f'"version {version}"')
        commit = self.app.commit(f"version {version}")
        self.app.git("push", "-q", "origin", "main")
        return commit

    def deliver(self, commit: str, number: str = "") -> int:
        return self.send("push", {"ref": "refs/heads/main", "after": commit}, number or commit)

    def send(self, event: str, payload: dict[str, Any], number: str) -> int:
        body = json.dumps(payload).encode()
        mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        return self.post(body, {
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": number,
            "X-Hub-Signature-256": f"sha256={mac}",
        })  # fmt: skip

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        url = f"{self.url}/hooks/{self.app.name}"
        return requests.post(url, body, headers=headers, timeout=10).status_code

    def tip(self) -> tuple[str, str]:
        """What the branch is at, and the run that its trailer names."""
        form = "--format=%H %(trailers:key=Dockcycle-Run,valueonly)"
        done = subprocess.run(
            ["git", "log", "-1", form, "main"], cwd=self.origin, check=True, text=True,
            capture_output=True,
        )  # fmt: skip
        commit, run = done.stdout.split()
        return commit, run

    @property
    def home(self) -> Home:
        return Home(self.app.home)

    def jobs(self) -> list[str]:
        """What became of them, the oldest first."""
        return [job.result or job.state for job in reversed(Queue(self.home).jobs())]

    def runs(self) -> list[RunRecord]:
        """The oldest first."""
        store = Store(self.home)
        return [store.run(run.id) for run in reversed(store.runs(self.app.name))]

    def until_jobs(self, *results: str) -> None:
        def there() -> bool:
            bad = [job for job in Queue(self.home).jobs() if job.result in ("failed", "refused")]
            assert not bad, bad
            return self.jobs() == list(results)

        self.until(there, lambda: f"{self.jobs()}, not {results}")

    def until(self, condition: Callable[[], object], what: Callable[[], object]) -> None:
        deadline = time.monotonic() + 180
        while not condition():
            assert time.monotonic() < deadline, f"{what()}; the server says: {self.lines}"
            time.sleep(0.1)


@pytest.fixture
def forge() -> Iterator[tuple[Forge, str]]:
    made = Forge()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert self.headers["authorization"] == "Bearer token-of-the-forge"
            made.told.append((self.path, body.get("environment", ""), body.get("state", "")))
            self.send_response(201)
            self.end_headers()
            self.wfile.write(b'{"id": 1}')

        def log_message(self, *_args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def site(
    app: AppUnderTest, tmp_path: Path, forge: tuple[Forge, str], engine: docker.DockerClient
) -> Iterator[Site]:
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
    (app.directory / "Dockerfile").unlink()
    app.pipeline(PIPELINE)
    app.write('"version 1"')
    app.commit("version 1")
    app.git("remote", "add", "origin", str(origin))
    app.git("push", "-q", "-u", "origin", "main")
    file = tmp_path / "serve.yml"
    file.write_text(SERVE.format(name=app.name, origin=origin, forge=forge[1]))
    made = Site(app, origin, forge[0], file, engine)
    yield made
    made.kill(signal.SIGTERM)


def test_a_push_becomes_the_live_version(site: Site) -> None:
    site.start()
    site.until_jobs("passed")
    assert site.app.get().text == "version 1"

    # The Dockerfile that `track` committed is in the real repository, and starts nothing.
    record, run = site.tip()
    assert run == site.runs()[0].id
    assert site.deliver(record) == 202
    site.until_jobs("passed", "unchanged")

    commit = site.push(2)
    assert {site.deliver(commit) for _ in range(20)} == {202, 200}
    site.until_jobs("passed", "unchanged", "passed")
    assert site.app.get().text == "version 2"
    site.until(lambda: site.forge.states(commit) == ["pending", "success"], lambda: site.forge.told)
    site.until(lambda: site.forge.told[-1][2] == "success", lambda: site.forge.told)
    assert ("/repos/acme/hello/deployments", "production", "") in site.forge.told

    # The record is the one that a run by hand makes, but for what started it.
    by_hand = site.app.run()
    assert by_hand.code == 0, by_hand.text
    runs = site.runs()
    assert [run.trigger for run in runs] == ["webhook", "webhook", "cli"]
    assert [stage.key for stage in runs[1].stages] == [stage.key for stage in runs[2].stages]
    assert runs[1].outcome["commit"] == runs[2].outcome["commit"] == commit


def test_a_killed_server_loses_no_push_and_runs_none_twice(site: Site) -> None:
    site.start()
    site.until(site.runs, site.jobs)
    commit = site.push(2)
    assert site.deliver(commit) == 202
    site.kill()
    (begun,) = site.runs()
    if begun.status == "running":
        os.kill(begun.pid, signal.SIGKILL)
    last = site.push(3)  # nobody tells of this one

    site.start()
    site.until(lambda: set(site.jobs()) <= {"passed", "unchanged"}, site.jobs)
    site.until(lambda: answer(site.app) == "version 3", site.jobs)
    site.kill(signal.SIGTERM)
    first, *others = site.runs()
    assert first.status in ("lost", "passed")
    assert [(run.status, run.outcome["commit"]) for run in others] == [("passed", last)]


def test_a_pull_request_is_tested_and_reaches_nothing(site: Site, tmp_path: Path) -> None:
    site.start()
    site.until_jobs("passed")
    site.app.git("checkout", "-q", "-b", "theirs")
    site.app.write('"version of theirs"')
    evil = PIPELINE.replace("- code", f"- code: {{{{checks: ['touch {tmp_path}/owned']}}}}")
    site.app.pipeline(evil)
    (site.app.directory / ".env").write_text("DOCKER_HOST=tcp://evil.example.com\n")
    commit = site.app.commit("theirs")
    site.app.git("push", "-q", "origin", "HEAD:refs/pull/7/head")
    pull = {
        "action": "opened",
        "number": 7,
        "pull_request": {
            "head": {"sha": commit, "repo": {"full_name": "mallory/hello"}},
            "base": {"repo": {"full_name": "acme/hello"}},
        },
    }
    assert site.send("pull_request", pull, "1") == 202
    site.until_jobs("passed", "passed")

    assert site.app.get().text == "version 1"
    assert not (tmp_path / "owned").exists()
    site.until(lambda: site.forge.states(commit) == ["pending", "success"], lambda: site.forge.told)
    assert sum(path.endswith("/deployments") for path, _, _ in site.forge.told) == 1
    record = Store(site.home).run("latest")
    assert (record.project, record.trigger) == (f"{site.app.name}-pr-7", "pull-request")
    assert [stage.uses for stage in record.stages if stage.status == "passed"] == [
        "code", "dockerfile", "build", "run", "smoke",
    ]  # fmt: skip
    assert not leftovers(site.engine, record.project)

    # The same, as GitLab has it.
    site.app.git("push", "-q", "origin", "HEAD:refs/merge-requests/3/head")
    facts = {"iid": 3, "action": "open", "source_project_id": 16, "target_project_id": 15,
             "last_commit": {"id": commit}}  # fmt: skip
    merge = json.dumps({"object_kind": "merge_request", "object_attributes": facts}).encode()
    given = {"X-Gitlab-Event": "Merge Request Hook", "X-Gitlab-Token": SECRET}
    assert site.post(merge, given) == 202
    site.until_jobs("passed", "passed", "passed")
    record = Store(site.home).run("latest")
    assert (record.project, record.trigger) == (f"{site.app.name}-pr-3", "pull-request")
    assert record.outcome["commit"] == commit
    assert not leftovers(site.engine, record.project)
    assert site.app.get().text == "version 1"
    site.app.git("checkout", "-q", "main")
