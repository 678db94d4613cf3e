"""``kill -9`` at every side effect, then run again: as if nothing had happened."""

from __future__ import annotations

import itertools
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from pipeline.store import Home, Store
from pipeline.store.records import RunRecord
from tests.engine import quick
from tests.engine.conftest import AppUnderTest, Result
from tests.engine.small import DYING, SAYS, SHARED, compose, small_app, write_version
from tests.engine.world import World, answer, look

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.timeout(900)]

MOMENTS = 6
FEWEST = 20
FEWEST_OF_COMPOSE = 14
"""Failpoints that a whole run passes at least; fewer would mean that effects go unrecorded."""
AFTER = 2
"""From one failpoint after an effect to the next. The world before an effect is the one after the
effect before it; what differs in the records is seen where every failpoint is taken."""


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


def kills(
    app: AppUnderTest, *args: str, survives: int = 0, first: int = 1, step: int = 1
) -> Iterator[Kill]:
    """Die at the first failpoint of the command, at the second, and so on until it ends."""
    for point in itertools.count(first, step):
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


def latest_number(app: AppUnderTest) -> int:
    """Of the newest release."""
    return int(latest(app).outcome["release"].removeprefix("r"))


def first_in(stage: str, run: RunRecord) -> int:
    """The failpoint after the stage's first effect, as that run went."""
    before = itertools.takewhile(lambda effect: effect.stage != stage, run.effects)
    return 2 * len(list(before)) + AFTER


def in_take_over(kill: Kill) -> bool:
    """Without a front nothing serves between the stop of the old release and the start of the new
    one."""
    stage, kind = kill.last
    return stage in ("operate", "rollback") and kind in ("stop", "start", "compose")


def test_a_first_release(tmp_path: Path, engine: docker.DockerClient) -> None:
    with small_app(tmp_path / "undisturbed", engine) as app:
        release(app, 1)
        expected = look(app, engine)
    assert expected.answer == SAYS.format(version="+0")

    for point in itertools.count(AFTER, AFTER):
        with small_app(tmp_path / f"point {point}", engine) as app:
            write_version(app, 1)
            kill = killed(app, point, "run")
            if kill is None:
                break
            again = quick.command(app, "run")
            assert again.code == 0, f"{kill}: {again.text}"
            assert look(app, engine) == expected, kill
            assert latest_number(app) == 1, kill
            assert_history(app, [kill])
    assert point > FEWEST


def test_the_next_release(tmp_path: Path, engine: docker.DockerClient) -> None:
    with small_app(tmp_path, engine) as app:
        assert_next_releases_converge(app, engine, gap=False)


def test_the_next_release_of_a_compose_project(tmp_path: Path, engine: docker.DockerClient) -> None:
    with small_app(tmp_path, engine) as app:
        compose(app)
        release(app, 1)
        assert in_db(engine, app, "echo precious > /data/kept") == ""
        assert_next_releases_converge(app, engine, FEWEST_OF_COMPOSE, step=AFTER)
        assert in_db(engine, app, "cat /data/kept") == "precious\n"


@pytest.mark.parametrize("kind", ["container", "compose"])
def test_at_any_moment(kind: str, tmp_path: Path, engine: docker.DockerClient) -> None:
    """Also while Compose, the builder or git are at work, which then lose the one who asked."""
    with small_app(tmp_path, engine) as app:
        if kind == "compose":
            compose(app)
        *_, expected = [look_after(app, engine, version) for version in range(1, 5)]
        begun = time.monotonic()
        assert look_after(app, engine, 5) == expected
        whole = time.monotonic() - begun

        for moment in range(MOMENTS):
            write_version(app, 6 + moment)
            process = app.start("run", "--output", "plain")
            with suppress(subprocess.TimeoutExpired):
                process.wait(whole * (moment + 1) / MOMENTS)
            process.kill()
            said, _ = process.communicate()
            again = quick.command(app, "run")
            assert again.code == 0, said + again.text
            assert look(app, engine) == expected, said + again.text
            assert latest_number(app) == 6 + moment


def in_db(engine: docker.DockerClient, app: AppUnderTest, command: str) -> str:
    db = engine.containers.get(f"{app.name}-db-1")
    return b"".join([db.exec_run(["sh", "-c", command]).output]).decode()


def assert_next_releases_converge(
    app: AppUnderTest,
    engine: docker.DockerClient,
    fewest: int = FEWEST,
    *,
    step: int = 1,
    gap: bool = True,
) -> None:
    """Releases, each killed ``step`` failpoints further than the one before. Without a ``gap`` the
    old or the new one answers all the while."""
    *_, before, expected = [look_after(app, engine, version) for version in range(2, 6)]
    assert before == expected  # by now old releases are forgotten as new ones come
    assert not any("running restart=no" in line for line in expected.engine)

    dead: list[Kill] = []
    version, number = 6, latest_number(app) + 1
    write_version(app, version)
    for kill in kills(app, "run", first=step, step=step):
        dead.append(kill)
        old, new = (SAYS.format(version=one) for one in (version - 1, version))
        assert kill.answer in (old, new) or (gap and in_take_over(kill)), kill
        if kill.answer is None:  # and what brings it back dies, too
            for point in (1, 2, 3):
                assert killed(app, point, "run"), kill
        again = quick.command(app, "run")
        assert again.code == 0, f"{kill}: {again.text}"
        assert look(app, engine) == expected, kill
        assert app.get().text == new
        assert latest_number(app) == number, kill
        version, number = version + 1, number + 1
        write_version(app, version)
    assert step * len(dead) >= fewest
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
        for kill in kills(app, "rollback", "r1", first=AFTER, step=AFTER):
            dead.append(kill)
            assert kill.answer, kill
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
        expected, first = look(app, engine), first_in("run", latest(app))
        assert expected.answer == SAYS.format(version="+0")

        dead: list[Kill] = []
        for kill in kills(app, "run", survives=1, first=first):
            dead.append(kill)
            assert kill.answer == SAYS.format(version=1), kill
            again = quick.command(app, "run")
            assert again.code == 1, f"{kill}: {again.text}"
            assert look(app, engine) == expected, kill
        assert dead
        assert_history(app, dead)


def test_a_version_that_fails_when_it_is_live(tmp_path: Path, engine: docker.DockerClient) -> None:
    with small_app(tmp_path, engine, SHARED) as app:
        release(app, 1)
        before = look(app, engine)
        write_version(app, 2, dockerfile=DYING)
        assert quick.command(app, "run").code == 1
        expected, first = look(app, engine), first_in("operate", latest(app))
        assert expected.answer == before.answer
        assert expected.status == before.status

        dead: list[Kill] = []
        for kill in kills(app, "run", survives=1, first=first, step=AFTER):
            dead.append(kill)
            assert kill.answer == SAYS.format(version=1) or in_take_over(kill), kill
            again = quick.command(app, "run")
            assert again.code == 1, f"{kill}: {again.text}"
            assert look(app, engine) == expected, kill
        assert dead
        assert_history(app, dead)


def look_after(app: AppUnderTest, engine: docker.DockerClient, version: int) -> World:
    release(app, version)
    return look(app, engine)
