"""``kill -9`` at every side effect, then run again: as if nothing had happened."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from pipeline.store import Home, Store
from pipeline.store.records import RunRecord
from tests.engine import quick
from tests.engine.conftest import AppUnderTest, Result
from tests.engine.small import SAYS, SHARED, SPOILT, small_app, write_version
from tests.engine.world import World, answer, look

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

FEWEST = 24
"""Failpoints that a whole run passes at least; fewer would mean that effects go unrecorded."""


@dataclass(frozen=True)
class Kill:
    """A run that died at its failpoint ``point``."""

    point: int
    record: RunRecord
    answer: str | None
    """What was served then."""

    @property
    def last(self) -> tuple[str, str]:
        """Stage and kind of the effect that it died at."""
        effect = self.record.effects[-1]
        return effect.stage, effect.kind

    def __str__(self) -> str:
        return f"killed at failpoint {self.point}, {' '.join(self.last)}"


def kills(app: AppUnderTest, *args: str, survives: int = 0) -> Iterator[Kill]:
    """Die at the first failpoint of the command, at the second, and so on until it ends."""
    for point in itertools.count(1):
        kill = killed(app, point, *args, survives=survives)
        if kill is None:
            return
        yield kill


def killed(app: AppUnderTest, point: int, *args: str, survives: int = 0) -> Kill | None:
    """Die at that failpoint; None when the command came to its end, as it does undisturbed."""
    done = quick.command(app, *args, DOCKCYCLE_FAILPOINT=str(point))
    if done.code != -signal.SIGKILL:
        assert done.code == survives, done.text
        return None
    return Kill(point, latest(app), answer(app))


def release(app: AppUnderTest, version: int) -> Result:
    write_version(app, version)
    done = quick.command(app, "run")
    assert done.code == 0, done.text
    return done


def assert_history(app: AppUnderTest, dead: list[Kill]) -> None:
    """Every run has a final state, and those that were killed are the ones that are lost."""
    statuses = {run.id: run.status for run in Store(Home(app.home)).runs(app.name, limit=1000)}
    assert set(statuses.values()) <= {"passed", "failed", "lost"}
    lost = {run for run, status in statuses.items() if status == "lost"}
    assert lost == {kill.record.id for kill in dead}


def latest(app: AppUnderTest) -> RunRecord:
    return Store(Home(app.home)).run("latest", app.name)


def in_take_over(kill: Kill) -> bool:
    """Between the stop of the old release and the start of the new one nothing serves."""
    stage, kind = kill.last
    return stage in ("operate", "rollback") and kind in ("stop", "start")


def test_a_first_release(tmp_path: Path, engine: docker.DockerClient) -> None:
    with small_app(tmp_path / "undisturbed", engine) as app:
        release(app, 1)
        expected = look(app, engine)
    assert expected.answer == SAYS.format(version="+0")

    for point in itertools.count(1):
        with small_app(tmp_path / f"point {point}", engine) as app:
            write_version(app, 1)
            kill = killed(app, point, "run")
            if kill is None:
                break
            again = quick.command(app, "run")
            assert again.code == 0, f"{kill}: {again.text}"
            assert look(app, engine) == expected, kill
            assert latest(app).outcome["release"] == "r1", kill
            assert_history(app, [kill])
    assert point > FEWEST


def test_the_next_release(tmp_path: Path, engine: docker.DockerClient) -> None:
    with small_app(tmp_path, engine) as app:
        *_, before, expected = [look_after(app, engine, version) for version in range(1, 6)]
        assert before == expected  # by now old releases are forgotten as new ones come

        dead: list[Kill] = []
        version = 6
        write_version(app, version)
        for kill in kills(app, "run"):
            dead.append(kill)
            old, new = (SAYS.format(version=number) for number in (version - 1, version))
            assert kill.answer in (old, new) or in_take_over(kill), kill
            again = quick.command(app, "run")
            assert again.code == 0, f"{kill}: {again.text}"
            assert look(app, engine) == expected, kill
            assert app.get().text == new
            assert latest(app).outcome["release"] == f"r{version}", kill
            version += 1
            write_version(app, version)
        assert len(dead) >= FEWEST
        assert_history(app, dead)


def test_a_rollback(tmp_path: Path, engine: docker.DockerClient) -> None:
    with small_app(tmp_path, engine) as app:
        old = look_after(app, engine, 1)
        new = look_after(app, engine, 2)
        assert quick.command(app, "rollback", "r1").code == 0
        back = look(app, engine)
        assert back.answer == old.answer
        assert quick.command(app, "rollback", "r2").code == 0
        assert look(app, engine) == new

        dead: list[Kill] = []
        for kill in kills(app, "rollback", "r1"):
            dead.append(kill)
            assert kill.answer or in_take_over(kill), kill
            again = quick.command(app, "rollback", "r1")
            assert again.code == 0, f"{kill}: {again.text}"
            assert look(app, engine) == back, kill
            assert quick.command(app, "rollback", "r2").code == 0
            assert look(app, engine) == new, kill
        assert_history(app, dead)


def test_a_version_that_fails_its_tests(tmp_path: Path, engine: docker.DockerClient) -> None:
    with small_app(tmp_path, engine) as app:
        release(app, 1)
        write_version(app, 2, "bad, version {version}\n")
        assert quick.command(app, "run").code == 1
        expected = look(app, engine)
        assert expected.answer == SAYS.format(version="+0")

        dead: list[Kill] = []
        for kill in kills(app, "run", survives=1):
            dead.append(kill)
            assert kill.answer == SAYS.format(version=1), kill
            again = quick.command(app, "run")
            assert again.code == 1, f"{kill}: {again.text}"
            assert look(app, engine) == expected, kill
        assert_history(app, dead)


def test_a_version_that_fails_when_it_is_live(tmp_path: Path, engine: docker.DockerClient) -> None:
    with small_app(tmp_path, engine, SHARED) as app:
        release(app, 1)
        before = look(app, engine)
        write_version(app, 2, dockerfile=SPOILT)
        assert quick.command(app, "run").code == 1
        expected = look(app, engine)
        assert expected.answer == before.answer
        assert expected.status == before.status

        dead: list[Kill] = []
        for kill in kills(app, "run", survives=1):
            dead.append(kill)
            assert kill.answer == SAYS.format(version=1) or in_take_over(kill), kill
            again = quick.command(app, "run")
            assert again.code == 1, f"{kill}: {again.text}"
            assert look(app, engine) == expected, kill
        assert_history(app, dead)


def look_after(app: AppUnderTest, engine: docker.DockerClient, version: int) -> World:
    release(app, version)
    return look(app, engine)
