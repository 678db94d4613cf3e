"""The engine stopped, frozen, restarted under a run, or not there at all."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from tests.engine.conftest import AppUnderTest, candidates, new_app
from tests.engine.faults import (
    HOLD,
    RECOVERY,
    Underway,
    assert_failed_run,
    assert_goes_on,
    assert_history,
    assert_serves,
    assert_told,
    eventually,
    fill_in,
    release,
    timed,
)
from tests.engine.small import write_version
from tests.support.own_lab import lab, mend, require_own_lab
from tests.support.registry_server import Fault, registry_server

BOUND = 90.0
"""Seconds within which a run must have ended after its engine was lost (a frozen one is given 13 s
for an answer), on a busy machine."""
AT_ONCE = 10.0
"""Seconds for a command when there is no engine at all."""

disruptive = [pytest.mark.engine, pytest.mark.disruptive, pytest.mark.timeout(600)]


@pytest.fixture
def breakable(make_app: Callable[..., AppUnderTest]) -> Iterator[AppUnderTest]:
    """An app on an engine that is whole again afterwards."""
    require_own_lab()
    made = make_app()
    yield made
    mend()


# under a run


@dataclass(frozen=True)
class Held:
    """A run that goes no further; ``free`` makes the next one go through."""

    run: Underway
    free: Callable[[], None]


@contextlib.contextmanager
def held_in_build(app: AppUnderTest) -> Iterator[Held]:
    write_version(app, 2)
    dockerfile = app.directory / "Dockerfile"
    good = dockerfile.read_text()
    dockerfile.write_text(f"{good}RUN echo now; sleep {HOLD}\n")
    run = Underway(app)
    run.until("now")
    yield Held(run, lambda: put(dockerfile, good))


@contextlib.contextmanager
def held_in_run(app: AppUnderTest) -> Iterator[Held]:
    write_version(app, 2)
    pipeline = app.directory / "pipeline.yml"
    good = pipeline.read_text()
    never = f"healthcheck: {{test: 'false', interval: 1s, start_period: {HOLD}s}}"
    pipeline.write_text(good.replace("port: 8000", f"port: 8000, {never}"))
    run = Underway(app)
    run.until("not healthy yet")
    yield Held(run, lambda: put(pipeline, good))


@contextlib.contextmanager
def held_in_push(app: AppUnderTest) -> Iterator[Held]:
    write_version(app, 2)
    pipeline = app.directory / "pipeline.yml"
    good = pipeline.read_text()
    slow = [Fault(delay=HOLD, method="PUT")] * 50
    with registry_server(faults=slow) as server:
        pipeline.write_text(good.replace("local", f"{server.host}/{app.name}"))
        run = Underway(app)
        assert eventually(lambda: server.script.count("PUT") > 0, within=60)
        yield Held(run, lambda: put(pipeline, good))


def put(path: Path, text: str) -> None:
    path.write_text(text)


@contextlib.contextmanager
def held_in_operate(app: AppUnderTest) -> Iterator[Held]:
    """The old one is stopped and the new one does not serve yet: it dawdles where it may write to
    what it mounts, which a candidate may not."""
    (app.directory / "shared").mkdir(exist_ok=True)
    write_version(app, 2)
    pipeline, dockerfile = app.directory / "pipeline.yml", app.directory / "Dockerfile"
    good = pipeline.read_text(), dockerfile.read_text()
    pipeline.write_text(good[0].replace("port: 8000", "port: 8000, volumes: ['./shared:/shared']"))
    serve = f"touch /shared/live && sleep {HOLD}; exec busybox httpd -f -p 8000 -h /www"
    dockerfile.write_text(f'{good[1]}CMD ["sh", "-c", "{serve}"]\n')
    run = Underway(app)
    run.until("operate    │ GET /")

    def free() -> None:
        pipeline.write_text(good[0])
        dockerfile.write_text(good[1])

    yield Held(run, free)


PLACES = {"build": held_in_build, "run": held_in_run, "push": held_in_push}


@pytest.mark.parametrize("accident", ["kill", "freeze", "restart"])
@pytest.mark.parametrize("stage", PLACES)
class TestUnderARun:
    pytestmark = disruptive

    def test_ends_soon_and_goes_on_when_it_is_back(
        self, stage: str, accident: str, breakable: AppUnderTest, engine: docker.DockerClient
    ) -> None:
        app = breakable
        fill_in(app)
        release(app, 1)
        with PLACES[stage](app) as held:
            lab(accident)
            ended = held.run.ended(within=BOUND)
            assert_told(ended, cause=os.environ["DOCKER_HOST"], next_step="docker")
            mend()
            assert_serves(app, 1, within=RECOVERY)
            assert_failed_run(app, stage=stage)
            held.free()
        assert_goes_on(app, engine, 2)


@pytest.mark.parametrize("accident", ["kill", "freeze", "restart"])
class TestInOperate:
    pytestmark = disruptive

    def test_the_old_one_comes_back(
        self, accident: str, breakable: AppUnderTest, engine: docker.DockerClient
    ) -> None:
        """With its engine, or, where that was only frozen, by the next command."""
        app = breakable
        fill_in(app)
        release(app, 1)
        with held_in_operate(app) as held:
            lab(accident)
            ended = held.run.ended(within=BOUND)
            assert_told(ended, cause=os.environ["DOCKER_HOST"], next_step="docker")
            mend()
            if accident != "freeze":  # what runs, runs on: nothing has come back
                assert_serves(app, 1, within=RECOVERY)
            assert_failed_run(app, stage="operate")
            held.free()
        settled = app.run("--to", "code")
        assert settled.code == 0, settled.text
        assert_serves(app, 1)
        status = app.command("status", "--json").json
        assert (status["state"], status["release"]) == ("live", "r1")
        assert_goes_on(app, engine, 2)


COMPOSE = """\
services:
  web:
    build: .
    ports: ["{port}:8000"]
    restart: unless-stopped
  slow:
    image: busybox:1
    command: ["sleep", "{seconds}"]
    restart: unless-stopped
    depends_on: {{web: {{condition: service_healthy}}}}
"""
COMPOSE_PIPELINE = """\
version: 1
name: {name}
stages:
  - code
  - dockerfile
  - build
  - run: {{compose: compose.yaml, main: web}}
  - smoke: {{within: 20s, checks: [{{get: /, expect: {{status: 200, body: good}}}}]}}
  - operate: {{keep: 2}}
"""


@pytest.mark.parametrize("accident", ["kill", "freeze", "restart"])
class TestUnderCompose:
    pytestmark = disruptive

    def test_ends_soon_and_goes_on_when_it_is_back(
        self, accident: str, breakable: AppUnderTest, engine: docker.DockerClient
    ) -> None:
        app = breakable
        fill_in(app, pipeline=COMPOSE_PIPELINE)
        compose = app.directory / "compose.yaml"
        compose.write_text(
            COMPOSE.format(port=app.port, seconds=999).replace("service_healthy", "service_started")
        )
        release(app, 1)
        good = compose.read_text()
        compose.write_text(
            good.replace("service_started", "service_healthy").replace(
                "    build: .\n",
                f"    build: .\n    healthcheck: {{test: 'false', start_period: {HOLD}s}}\n",
            )
        )
        write_version(app, 2)
        run = Underway(app)
        run.until("Waiting")
        lab(accident)
        ended = run.ended(within=BOUND)
        assert_told(ended, cause=os.environ["DOCKER_HOST"], next_step="docker")
        mend()
        assert_serves(app, 1, within=RECOVERY)
        assert_failed_run(app, stage="run")
        compose.write_text(good)
        again = app.run()
        assert again.code == 0, again.text
        assert_serves(app, 2)
        assert candidates(engine, app.name) == []
        assert_history(app)


# before a run


class TestFrozenFromTheStart:
    pytestmark = disruptive

    def test_commands_say_so_soon(self, breakable: AppUnderTest) -> None:
        app = breakable
        fill_in(app)
        release(app, 1)
        write_version(app, 2)
        lab("freeze")
        for command in (["run", "--output", "plain"], ["status"], ["down"], ["doctor"]):
            ended = timed(app, *command, within=BOUND)
            words = f"the Docker engine at {os.environ['DOCKER_HOST']} does not answer"
            assert ended.code == 4, (command, ended.text)
            assert words in ended.text, (command, ended.text)
            assert "systemctl restart docker" in ended.text, (command, ended.text)
        lab("thaw")
        assert_serves(app, 1, within=RECOVERY)
        assert_history(app)
        assert app.run().code == 0
        assert_serves(app, 2)


COMMANDS = (
    ["run", "--output", "plain"], ["status"], ["logs"], ["start"], ["stop"], ["restart"], ["kill"],
    ["rm"], ["down"], ["rollback"], ["prune"], ["registry", "up"], ["registry", "down"],
    ["image", "ls"], ["image", "build", "--output", "plain"], ["image", "prune"],
)  # fmt: skip


@pytest.fixture
def lonely(tmp_path: Path) -> AppUnderTest:
    """An app whose engine is a socket that nobody listens on any more."""
    app = new_app(tmp_path / "app", tmp_path / "home")
    dead = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    app.environ["DOCKER_HOST"] = f"unix://{dead}"
    return app


def test_no_engine_at_all(lonely: AppUnderTest) -> None:
    address = lonely.environ["DOCKER_HOST"]
    for command in COMMANDS:
        ended = timed(lonely, *command, within=AT_ONCE)
        assert_told(
            ended,
            cause=f"no Docker engine answers at {address}",
            next_step="systemctl start docker",
        )
    runs = [run["status"] for run in lonely.command("history", "--json").json]
    assert runs == ["failed", "failed"]
    assert not (lonely.directory / "pipeline.lock").exists()


def test_no_engine_at_all_is_what_the_doctor_says(lonely: AppUnderTest) -> None:
    ended = timed(lonely, "doctor", "--json", within=AT_ONCE)
    assert ended.code == 4
    looked = {one["name"]: one for one in json.loads(ended.text)}
    assert looked["engine"]["state"] == "failed"
    assert "no Docker engine answers" in looked["engine"]["message"]
    assert "systemctl start docker" in looked["engine"]["remedy"]


def test_what_needs_no_engine_works_without_one(lonely: AppUnderTest) -> None:
    for command in (["validate"], ["schema"], ["stages"], ["history"], ["--help"]):
        assert timed(lonely, *command, within=AT_ONCE).code == 0
    assert lonely.command("plan").code == 2
