"""A registry that is down, slow, broken, unwilling or busy: a run ends soon and says why, the old
version serves, git knows nothing of it, and running again when it is well ships the new one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import docker
import pytest

from tests.engine.conftest import AppUnderTest, free_port
from tests.engine.faults import (
    HOLD,
    Ended,
    assert_failed_run,
    assert_goes_on,
    assert_serves,
    assert_tidy,
    assert_told,
    fill_in,
    release,
    timed,
)
from tests.engine.small import write_version
from tests.support.registry_server import Fault, RegistryServer, registry_server

pytestmark = pytest.mark.engine

AT_ONCE = 30.0
"""Seconds for a whole run that needs not try again, on a busy machine."""
TRIES = 60.0
"""Seconds for one that tries five times."""
SILENCE = 150.0
"""Seconds for one that waits 30 s for an answer, several times in a minute."""


@dataclass(frozen=True)
class Bad:
    name: str
    fault: Fault
    cause: str
    next_step: str
    within: float
    asks_at_most: int = 1000
    """Requests for the manifest."""


CHALLENGE = {"WWW-Authenticate": 'Basic realm="test"'}
BAD = (
    Bad("500", Fault(status=500), "answers 500", "try later", TRIES, 6),
    Bad("500-when-pushed-to", Fault(status=500, method="POST"), "does not do its work",
        "See whether it runs", 2 * TRIES),
    Bad("401", Fault(status=401, headers=CHALLENGE), "denies anyone without credentials",
        "docker login", AT_ONCE, 2),
    Bad("403", Fault(status=403), "denies anyone without credentials", "docker login", AT_ONCE, 2),
    Bad("429-for-an-hour", Fault(status=429, headers={"Retry-After": "3600"}), "answers 429",
        "try later", AT_ONCE, 1),
    Bad("dropped", Fault(drop=True), "cannot be reached, or dropped the connection",
        "See whether it runs", TRIES, 6),
    Bad("silent", Fault(delay=HOLD), "did not answer within 30 s", "See whether it runs", SILENCE),
)  # fmt: skip


@dataclass
class Shipped:
    """Version 1 is live, version 2 is written."""

    app: AppUnderTest
    engine: docker.DockerClient
    server: RegistryServer
    before: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.git()

    def git(self) -> tuple[str, ...]:
        """Where branch, tags and remote are."""
        app = self.app
        return app.git("rev-parse", "HEAD"), app.git("tag"), app.git("ls-remote", "origin")

    def run(self, within: float) -> Ended:
        return timed(self.app, "run", "--output", "plain", within=within)

    def assert_nothing_has_changed(self) -> None:
        assert_serves(self.app, 1)
        assert_failed_run(self.app, stage="push")
        assert_tidy(self.app, self.engine)
        assert self.git() == self.before
        assert self.app.command("status", "--json").json["release"] == "r1"


@contextmanager
def shipped(
    app: AppUnderTest, engine: docker.DockerClient, port: int, push: str = ""
) -> Iterator[Shipped]:
    with registry_server(port) as server:
        fill_in(app, target=f"{server.host}/{app.name}")
        if push:
            file = app.directory / "pipeline.yml"
            file.write_text(file.read_text().replace("- push: {", push))
        release(app, 1)
        write_version(app, 2)
        yield Shipped(app, engine, server)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_registry_that_only_fails(
    bad: Bad, app: AppUnderTest, engine: docker.DockerClient
) -> None:
    with shipped(app, engine, free_port()) as it:
        script = it.server.script
        asked = script.count("GET", "manifests")
        script.faults += [bad.fault] * 1000
        ended = it.run(within=bad.within)
        assert_told(ended, cause=bad.cause, next_step=bad.next_step)
        assert it.server.host in ended.text
        assert script.count("GET", "manifests") - asked <= bad.asks_at_most
        it.assert_nothing_has_changed()

        script.faults.clear()
        assert_goes_on(app, engine, 2)


def test_a_registry_that_is_down(app: AppUnderTest, engine: docker.DockerClient) -> None:
    port = free_port()
    with shipped(app, engine, port) as it:
        pass
    ended = it.run(within=TRIES)
    assert_told(ended, cause="cannot be reached", next_step="See whether it runs")
    it.assert_nothing_has_changed()
    doctor = timed(app, "doctor", within=TRIES)
    assert doctor.code == 4
    assert f"127.0.0.1:{port} does not answer" in doctor.text
    with registry_server(port):
        assert_goes_on(app, engine, 2)


PASSING = {
    "503-once": [Fault(status=503)],
    "dropped-once": [Fault(drop=True, method="PUT", path="manifests")],
    "slow": [Fault(delay=0.5)] * 20,
    "429-for-2-s": [Fault(status=429, headers={"Retry-After": "2"})],
}


@pytest.mark.parametrize("faults", PASSING.values(), ids=PASSING)
def test_what_passes_is_waited_out(
    faults: list[Fault], app: AppUnderTest, engine: docker.DockerClient
) -> None:
    with shipped(app, engine, free_port()) as it:
        it.server.script.faults += faults
        begun = time.monotonic()
        assert_goes_on(app, engine, 2)
        if faults[0].status == 429:
            assert time.monotonic() - begun > 2


def test_an_upload_that_hangs_ends_with_the_stages_time(
    app: AppUnderTest, engine: docker.DockerClient
) -> None:
    with shipped(app, engine, free_port(), push="- push: {timeout: 3s, ") as it:
        it.server.script.faults += [Fault(delay=HOLD, method="PUT", path="manifests")] * 1000
        ended = it.run(within=AT_ONCE)
        assert_told(ended, code=1, cause="did not finish within its limit of 3 s",
                    next_step="timeout:")  # fmt: skip
        assert_serves(app, 1)
        assert_failed_run(app, stage="push", code=1)
        assert_tidy(app, engine)
        it.server.script.faults.clear()
        assert_goes_on(app, engine, 2)
