"""A job's run as a real process: found by its id, ended cleanly, of this project only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.errors import Cancelled, DockcycleError
from pipeline.runner import Masker
from pipeline.scope import Scope
from pipeline.server.checkout import Checkout, Fetched
from pipeline.server.config import ServedProject
from pipeline.server.process import Order, argv
from pipeline.server.queue import Job, Queue
from pipeline.server.runs import Runs
from pipeline.server.wishes import Wish
from pipeline.stage import Secrets
from pipeline.store import Home, ProjectLock, Store

RUN = "20260101T000000-aaaa"
ROOT = Path(__file__).parents[3]
PIPELINE = "name: hello\nstages:\n  - code: {checks: [CHECK]}\n"


@dataclass
class World:
    folder: Path
    store: Store
    queue: Queue
    runs: Runs
    environ: dict[str, str]

    @property
    def fetched(self) -> Fetched:
        return Fetched(self.folder, "a" * 40, "a" * 40)

    def job(self) -> Job:
        self.queue.put("hello", Wish("push", "refs/heads/main", "a" * 40))
        job = self.queue.claim("hello", RUN)
        assert job is not None
        return job

    def write(self, check: str) -> None:
        (self.folder / "pipeline.yml").write_text(PIPELINE.replace("CHECK", check))


@pytest.fixture
def world(tmp_path: Path) -> World:
    folder = tmp_path / "checkout"
    folder.mkdir()
    home = Home(tmp_path / "home")
    store = Store(home)
    facts = {"name": "hello", "repository": str(folder), "secret": "HOOK"}
    project = ServedProject.model_validate(facts)
    environ = {**os.environ, "DOCKCYCLE_HOME": str(home.path), "PYTHONPATH": str(ROOT)}
    checkout = Checkout(project, home, Secrets(dict[str, str]().__getitem__))
    runs = Runs(project, checkout, store, Masker(["hush-hush"]), environ)
    return World(folder, store, Queue(home), runs, environ)


def nothing() -> None:
    """Meanwhile."""


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("check", "result", "message"),
    [("'true'", "passed", ""), ("'echo no >&2; exit 3'", "failed", "code: ")],
)
def test_a_run_is_recorded_as_one_of_the_webhook(
    world: World, check: str, result: str, message: str
) -> None:
    world.write(check)
    ended = world.runs.carry_out(world.job(), world.fetched, Scope(60), nothing)

    assert ended.result == result
    assert ended.message.startswith(message)
    record = world.store.run(RUN)
    assert (record.id, record.trigger, record.project) == (RUN, "webhook", "hello")


def test_an_id_begins_only_once(world: World) -> None:
    world.write("'true'")
    job = world.job()
    first = world.runs.carry_out(job, world.fetched, Scope(60), nothing)
    world.write("'false'")
    second = world.runs.carry_out(job, world.fetched, Scope(60), nothing)

    assert (first.result, second.result) == ("passed", "passed")
    assert len(world.store.runs()) == 1


def test_a_mistake_in_the_file_is_told_with_its_place(world: World) -> None:
    (world.folder / "pipeline.yml").write_text("name: hello\nstages: [cod]\n# hush-hush\n")
    ended = world.runs.carry_out(world.job(), world.fetched, Scope(60), nothing)

    assert ended.result == "refused"
    assert "pipeline.yml:2" in ended.message and "cod" in ended.message
    assert world.store.runs() == []


@pytest.mark.parametrize("text", ["name: other\n", "name: [1]\n", None])
def test_a_file_of_another_project_is_refused(world: World, text: str | None) -> None:
    if text is not None:
        (world.folder / "pipeline.yml").write_text(text)
    with pytest.raises(DockcycleError):
        world.runs.check(world.fetched)
    world.write("'true'")
    world.runs.check(world.fetched)


def test_a_run_that_is_cancelled_ends_cleanly(world: World, tmp_path: Path) -> None:
    world.write(f"'touch {tmp_path}/began; sleep 600'")
    scope = Scope(120)

    def cancel() -> None:
        until(lambda: (tmp_path / "began").exists())
        scope.cancel(Cancelled("cancelled by hand"))

    threading.Thread(target=cancel).start()
    ended = world.runs.carry_out(world.job(), world.fetched, scope, nothing)

    assert (ended.result, ended.message) == ("cancelled", "cancelled by hand")
    assert world.store.run(RUN).status == "interrupted"


def test_a_run_that_takes_too_long_has_failed(world: World) -> None:
    world.write("'sleep 600'")
    ended = world.runs.carry_out(world.job(), world.fetched, Scope(4, what="the run"), nothing)
    assert ended.result == "failed"
    assert "did not finish within its limit" in ended.message


def test_a_run_that_is_killed_is_lost(world: World, tmp_path: Path) -> None:
    world.write(f"'touch {tmp_path}/began; sleep 600'")
    job = world.job()

    def kill() -> None:
        until(lambda: (tmp_path / "began").exists())
        os.kill(world.store.run(RUN).pid, signal.SIGKILL)

    threading.Thread(target=kill).start()
    assert world.runs.carry_out(job, world.fetched, Scope(60), nothing).result == "lost"


def test_a_run_that_outlived_its_server_is_waited_for(world: World, tmp_path: Path) -> None:
    world.write(f"'until test -e {tmp_path}/go; do sleep 0.05; done'")
    order = Order(world.folder, ("run", "--run-id", RUN, "--output", "plain"), world.environ)
    orphan = subprocess.Popen(argv(order), env=order.environ, stdout=subprocess.DEVNULL)
    job = world.job()
    until(lambda: world.store.runs())
    threading.Timer(0.5, (tmp_path / "go").touch).start()
    found = world.runs.found(job, Scope(60))

    assert found is not None and found.result == "passed"
    assert orphan.wait(60) == 0
    assert ProjectLock(world.store.home, "hello").holder() is None


def test_what_the_store_does_not_have_is_not_found(world: World) -> None:
    assert world.runs.found(world.job(), Scope(60)) is None


def test_nothing_in_a_checkout_is_taken_for_our_own_code(world: World, tmp_path: Path) -> None:
    evil = f"open({str(tmp_path / 'owned')!r}, 'w')"
    for name in ("pipeline", "typer", "stages"):
        (world.folder / name).mkdir()
        (world.folder / name / "__init__.py").write_text(evil)
    (world.folder / "sitecustomize.py").write_text(evil)
    world.write("'true'")
    ended = world.runs.carry_out(world.job(), world.fetched, Scope(60), nothing)

    assert ended.result == "passed"
    assert not (tmp_path / "owned").exists()
    assert argv(Order(world.folder, ("run",), {}))[:2] == [sys.executable, "-P"]
