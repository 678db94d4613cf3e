"""One run at a time for a project: the second one is told who is at work, or waits."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from tests.engine.conftest import AppUnderTest
from tests.engine.faults import (
    Underway,
    assert_goes_on,
    assert_serves,
    assert_tidy,
    assert_told,
    fill_in,
    release,
    timed,
)
from tests.engine.small import write_version

pytestmark = pytest.mark.engine

AT_ONCE = 20.0
"""Seconds to be refused, on a busy machine."""
SOON = 60.0
"""Seconds for a run."""
PATIENCE = 90
"""Seconds after which a run that is held goes on by itself, and fails."""


@dataclass(frozen=True)
class Held:
    """A run of version 2 that is in a check of its code until it is let go."""

    run: Underway
    gate: Path

    @property
    def process(self) -> str:
        return f"process {self.run.process.pid}"

    def end(self) -> None:
        """Let it go; it must end well."""
        self.gate.touch()
        assert self.run.ended(within=SOON).code == 0


@contextmanager
def held(app: AppUnderTest) -> Iterator[Held]:
    write_version(app, 2)
    gate, pipeline = app.directory.with_name("gate"), app.directory / "pipeline.yml"
    wait = f"for i in $(seq {PATIENCE}0); do test -e {gate} && exit; sleep 0.1; done; exit 1"
    text = pipeline.read_text()
    pipeline.write_text(text.replace("- code", f"- code: {{checks: ['echo held; {wait}']}}"))
    run = Underway(app)
    run.until("│ held")
    try:
        yield Held(run, gate)
    finally:
        gate.touch()
        run.kill()


@pytest.fixture
def shipped(app: AppUnderTest) -> AppUnderTest:
    fill_in(app)
    release(app, 1)
    return app


def test_the_second_one_is_told_who_holds_the_lock_and_since_when(
    shipped: AppUnderTest, engine: docker.DockerClient
) -> None:
    app = shipped
    with held(app) as first:
        for command in ("run", "stop", "down"):
            second = timed(app, command, within=AT_ONCE)
            assert_told(second, cause=f"{first.process}, since", next_step="--wait")
            assert f"another run of {app.name} is under way: run 2" in second.text
        assert_serves(app, 1)
        running = json.loads(timed(app, "status", "--json", within=AT_ONCE).text)["running"]
        assert first.process in running
        first.end()
    assert_serves(app, 2)
    assert_tidy(app, engine)
    runs = app.command("history", "--json").json
    assert [run["status"] for run in runs] == ["passed", "passed"], "no run began in vain"


def test_the_second_one_may_wait(shipped: AppUnderTest, engine: docker.DockerClient) -> None:
    app = shipped
    with held(app) as first:
        second = Underway(app, "--wait", "60s")
        second.until("waiting for run 2")
        assert first.process in second.lines[-1]
        first.end()
        assert second.ended(within=SOON).code == 0
    assert_serves(app, 2)
    assert_tidy(app, engine)


def test_the_second_one_waits_no_longer_than_it_was_told(shipped: AppUnderTest) -> None:
    with held(shipped) as first:
        second = timed(shipped, "run", "--wait", "2s", within=AT_ONCE)
        assert_told(second, cause="is under way", next_step="--wait")
        assert second.seconds > 2
        first.end()


def test_who_waits_can_be_interrupted(shipped: AppUnderTest) -> None:
    with held(shipped) as first:
        second = Underway(shipped, "--wait", "60s")
        second.until("waiting for")
        second.process.send_signal(signal.SIGINT)
        assert second.ended(within=AT_ONCE).code == 130
        first.end()


def test_a_dead_holder_frees_it(shipped: AppUnderTest, engine: docker.DockerClient) -> None:
    app = shipped
    with held(app) as first:
        first.run.kill()
    assert_serves(app, 1)
    assert_goes_on(app, engine, 2)
    statuses = [run["status"] for run in app.command("history", "--json").json]
    assert statuses == ["passed", "lost", "passed"]


def test_other_projects_are_not_in_the_way(
    shipped: AppUnderTest, make_app: Callable[..., AppUnderTest]
) -> None:
    other = make_app(folder="other")
    fill_in(other)
    with held(shipped) as first:
        release(other, 1)
        assert first.run.process.poll() is None
        first.end()
    assert_serves(shipped, 2)
    assert_serves(other, 1)
