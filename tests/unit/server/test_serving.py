"""The server as a process: how it begins, ends, and is begun again."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from pipeline.server.queue import Job, Queue
from pipeline.store import Home, Store
from tests.unit.git_sandbox import Sandbox, shield

ROOT = Path(__file__).parents[3]
SERVE = """\
listen: LISTEN
secrets: {HOOK: {env: HOOK}}
projects:
  - {name: hello, repository: ORIGIN, secret: HOOK}
"""


@dataclass
class World:
    folder: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def queue(self) -> Queue:
        return Queue(Home(self.folder / "home"))

    @property
    def store(self) -> Store:
        return Store(Home(self.folder / "home"))

    def begin(self, listen: str = "127.0.0.1:0") -> tuple[subprocess.Popen[str], str]:
        """A server, and the first line that it says."""
        text = SERVE.replace("LISTEN", listen).replace("ORIGIN", str(self.folder / "remote.git"))
        (self.folder / "serve.yml").write_text(text)
        environ = {
            "DOCKCYCLE_HOME": str(self.folder / "home"), "PYTHONPATH": str(ROOT),
            "HOOK": "it-is-a-secret-to-everybody",
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "-C", str(self.folder), "serve"], text=True,
            stderr=subprocess.PIPE, env={**os.environ, **environ},
        )  # fmt: skip
        self.processes.append(process)
        assert process.stderr is not None
        return process, process.stderr.readline()

    def jobs(self) -> list[Job]:
        return self.queue.jobs()

    def until_passed(self) -> None:
        """What a server finds again it looks at once more, and sees that nothing is new."""
        until(
            lambda: [job.result for job in self.jobs() if job.result != "unchanged"] == ["passed"],
            self.jobs,
        )


def until(condition: Callable[[], object], what: Callable[[], object] = lambda: "") -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, f"it did not come to that: {what()}"
        time.sleep(0.05)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    (tmp_path / "user").mkdir()
    shield(monkeypatch, tmp_path / "user")
    sandbox = Sandbox(tmp_path)
    repo = sandbox.repo()
    check = f"touch {tmp_path}/began; until test -e {tmp_path}/go; do sleep 0.05; done"
    text = f"name: hello\nstages:\n  - code: {{checks: ['{check}']}}\n"
    sandbox.write(repo / "pipeline.yml", text)
    sandbox.commit(repo, "Pipeline")
    sandbox.remote_of(repo)
    made = World(tmp_path)
    yield made
    (tmp_path / "go").touch()
    for process in made.processes:
        process.kill()
        process.wait(30)


def test_a_server_that_is_told_to_end_ends_its_run_cleanly_and_runs_it_again(world: World) -> None:
    server, line = world.begin()
    url = re.sub(r".*(http://\S+)\s*", r"\1", line)
    until((world.folder / "began").exists)
    assert requests.get(f"{url}/healthz", timeout=10).json()["status"] == "ok"
    server.send_signal(signal.SIGTERM)

    assert server.wait(90) == -signal.SIGTERM
    assert [run.status for run in world.store.runs()] == ["interrupted"]
    assert [job.state for job in world.jobs()] == ["queued"]

    (world.folder / "go").touch()
    world.begin()
    world.until_passed()
    assert [run.status for run in world.store.runs()] == ["passed", "interrupted"]


def test_a_run_outlives_a_server_that_is_killed_and_is_found_again(world: World) -> None:
    server, _ = world.begin()
    until((world.folder / "began").exists)
    server.kill()
    server.wait(30)
    world.begin()
    time.sleep(1)
    assert {job.state for job in world.jobs()} == {"running"}

    (world.folder / "go").touch()
    world.until_passed()
    assert [run.status for run in world.store.runs()] == ["passed"]


def test_an_address_that_is_taken_and_a_state_that_is_served_already(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server, line = world.begin(f"127.0.0.1:{port}")
        assert (server.wait(30), f"cannot listen at 127.0.0.1:{port}" in line) == (2, True)
    world.begin()
    server, line = world.begin()
    assert (server.wait(30), "another server works in" in line) == (4, True)
