"""The supervisor's own part: when it looks, whom it tells, what it does when the engine is away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.adapters.fake_engine import Program, says
from pipeline.adapters.shell import LocalShell
from pipeline.app.supervise import Place, Supervisor, Watch
from pipeline.errors import Cancelled, Locked
from pipeline.kit.notifying import Hook, publish
from pipeline.kit.supervision import Happening, Limits
from pipeline.kit.supervision.box import SELF, Box
from pipeline.ports.engine import ContainerSpec, ImageInfo
from pipeline.ports.shell import Shell
from pipeline.scope import Scope
from pipeline.store import Home, ProjectLock
from tests.unit.kit.releases.site import Yard

PATIENCE = 20.0
"""Seconds after which something that should happen is given up."""


@dataclass
class Post:
    """A supervisor of a fake engine, in this process."""

    yard: Yard
    home: Path
    told: list[Happening] = field(default_factory=list)

    def place(self) -> Place:
        ports = replace(self.yard.site.ports, shell=cast(Shell, LocalShell()))
        return Place(ports, Home(self.home), {})

    def supervisor(self) -> Supervisor:
        limits = Limits(repairs=3, first_pause=0.01, longest_pause=0.05, steady=0.2)
        return Supervisor(self.place(), Watch(limits, sweep=0.5), self.told.append)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A supervisor runs meanwhile; it must end when it is told to."""
        scope, ended = Scope(what="supervise"), threading.Event()

        def work() -> None:
            try:
                self.supervisor().run(scope)
            except Cancelled:
                ended.set()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            self.until(lambda: any("keeps" in one.message for one in self.told))
            yield
        finally:
            scope.cancel()
            thread.join(PATIENCE)
        assert ended.is_set()

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, self.told
            time.sleep(0.01)

    def runs(self) -> bool:
        return self.yard.serving() == ["hello-r1"]


@pytest.fixture
def post(tmp_path: Path) -> Post:
    yard = Yard()
    yard.live(yard.release(1, yard.image("1")))
    return Post(yard, tmp_path)


def kinds(post: Post) -> list[str]:
    return [one.kind for one in post.told if one.kind != "noticed"]


def test_what_is_killed_is_started_again_while_it_runs(post: Post) -> None:
    with post.at_work():
        post.yard.engine.kill("hello-r1")
        post.until(post.runs)
    assert kinds(post) == ["repaired"]


def test_once_repairs_and_says_what_is_not_well(post: Post) -> None:
    post.yard.engine.kill("hello-r1")
    assert post.supervisor().once(Scope(30)) == []
    assert post.runs()
    post.yard.engine.remove("hello-r1")  # its secret is not at hand
    assert post.supervisor().once(Scope(30)) == ["hello app"]


def test_the_engine_may_go_away_and_come_back(post: Post) -> None:
    with post.at_work():
        post.yard.engine.state.unavailable = True
        post.until(lambda: any("waiting for it" in one.message for one in post.told))
        post.yard.engine.state.unavailable = False
        post.until(lambda: any("answers again" in one.message for one in post.told))
        post.yard.engine.kill("hello-r1")
        post.until(post.runs)


def test_it_waits_for_an_engine_that_is_not_there_yet(post: Post) -> None:
    post.yard.engine.state.unavailable = True
    timer = threading.Timer(0.3, lambda: setattr(post.yard.engine.state, "unavailable", False))
    timer.start()
    with post.at_work():
        assert any("waiting for it" in one.message for one in post.told)
    timer.join()


def test_an_engine_has_one_supervisor(post: Post) -> None:
    with post.at_work(), pytest.raises(Locked, match=r"has a supervisor: supervise \(process"):
        post.supervisor().once(Scope(10))


def test_one_in_a_container_has_precedence_and_does_not_give_way_to_itself(post: Post) -> None:
    scope, ended = Scope(60, what="supervise"), []

    def work() -> None:
        try:
            post.supervisor().run(scope)
        except Locked as error:
            ended.append(error.message)

    thread = threading.Thread(target=work)
    thread.start()
    post.until(lambda: any("keeps" in one.message for one in post.told))
    image = ImageInfo(id=post.yard.image("box"))
    engine = post.yard.engine
    engine.start(engine.create(Box().spec(image)))
    thread.join(PATIENCE)
    assert len(ended) == 1 and "the container dockcycle-supervise" in ended[0]
    with pytest.raises(Locked, match="the container dockcycle-supervise"):
        post.supervisor().once(Scope(10))
    boxed = replace(post.place(), environ={SELF: "dockcycle-supervise"})
    boxed.give_way()
    engine.stop("dockcycle-supervise")
    assert post.supervisor().once(Scope(30)) == []


def test_a_project_that_is_worked_on_is_left_alone(post: Post) -> None:
    lock = ProjectLock(Home(post.home), "hello")
    with post.at_work():
        with lock.hold("run 1", wait=0, scope=Scope(), on_wait=lambda holder: None):
            post.yard.engine.kill("hello-r1")
            time.sleep(1)
            assert not post.runs()
        post.until(post.runs)


def test_a_run_that_died_is_settled(post: Post) -> None:
    store = post.place().store
    store.begin("20260101T000000-dead", "hello", "pipeline.yml", "cli", 1, ())
    stray = post.yard.release(2, post.yard.image("2"))
    site = post.yard.site
    made = site.engine.create(
        stray_spec(stray.images["app"], {**site.labels("live", stray, "app")})
    )
    with post.at_work():
        post.until(lambda: post.yard.engine.inspect(made) is None)
    assert store.run("latest").status == "lost"
    assert "settled" in kinds(post)


def test_a_run_waits_for_a_repair_but_not_for_another_run(post: Post) -> None:
    lock, waited = ProjectLock(Home(post.home), "hello"), []
    entered = threading.Event()

    def repair() -> None:
        with post.place().repairing("hello"):
            entered.set()
            time.sleep(0.5)

    thread = threading.Thread(target=repair)
    thread.start()
    assert entered.wait(PATIENCE)
    with lock.hold("run 2", wait=0, scope=Scope(), on_wait=waited.append):
        pass
    thread.join()
    assert len(waited) == 1


def test_degraded_is_notified_once_and_again_when_it_has_recovered(post: Post) -> None:
    tells = Hook(command=("sh", "-c", "cat >> told; echo >> told"), directory=str(post.home))
    engine = post.yard.engine
    publish(engine, "hello", (tells,), client="me", journal=post.yard.journal)
    release = post.yard.release(2, post.yard.image("2"))
    post.yard.live(release.model_copy(update={"spec": {**release.spec, "restart": "no"}}))
    (found,) = [c for c in engine.state.containers.values() if c.name == "hello-r2"]
    file = post.home / "told"

    def told() -> list[dict[str, Any]]:
        return [json.loads(line) for line in file.read_text().split("\n")[:-1]]

    with post.at_work():
        found.program = Program(exits=3)
        engine.crash("hello-r2")
        post.until(lambda: file.exists() and len(told()) == 1)
    assert told()[0]["event"] == "degraded"
    assert told()[0]["text"].startswith("hello app is degraded: ended with exit code 3; 3 restarts")
    with post.at_work():  # another supervisor knows that it was told, and starts with a new budget
        found.program = Program(answer=says("good"))
        post.until(lambda: len(told()) == 2)
    assert [one["event"] for one in told()] == ["degraded", "recovered"]


@pytest.mark.parametrize("address", ["ssh://deploy@server", "tcp://server:2376"])
def test_what_another_machine_has_noted_is_not_run_here(
    post: Post, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    runs = Hook(command=("sh", "-c", "cat > told"), directory=str(post.home))
    engine, journal = post.yard.engine, post.yard.journal
    publish(engine, "hello", (runs,), client="me", journal=journal)
    ill = Happening("degraded", "hello", "it ended", "app", "r1")
    assert post.place().notify(ill) == []
    assert (post.home / "told").exists()
    (post.home / "told").unlink()
    there = engine.info().model_copy(update={"address": address})
    monkeypatch.setattr(engine, "info", lambda: there)
    assert post.place().notify(ill) == []
    assert not (post.home / "told").exists()


def stray_spec(image: str, labels: dict[str, str]) -> ContainerSpec:
    return ContainerSpec(image=image, name="hello-r2", labels=labels)
