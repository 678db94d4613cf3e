"""Releases behind the front, on the real engine: no request is lost, whatever happens."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import docker
import pytest
import requests

from tests.engine.conftest import AppUnderTest
from tests.engine.faults import eventually
from tests.engine.small import COMPOSE_PIPELINE, SAYS, compose, small_app, write_version
from tests.engine.world import answer
from tests.support.load import load

pytestmark = pytest.mark.engine

SLOW = "[time.sleep(5 if self.path == '/slow' else 0), '{text}'][1]"


def version(app: AppUnderTest, text: str) -> None:
    """The next version of the app; ``/slow`` takes it five seconds."""
    app.write(SLOW.format(text=text))


def front_of(app: AppUnderTest, engine: docker.DockerClient) -> str:
    """Id of the front's container."""
    container_id: str = engine.containers.get(f"{app.name}-front").id
    return container_id


def operate(app: AppUnderTest, options: str) -> None:
    """Change the options of that stage."""
    file = app.directory / "pipeline.yml"
    head, _, _ = file.read_text().partition("  - operate:")
    file.write_text(f"{head}  - operate: {{publish: {app.port}, {options}}}\n")


def test_no_request_is_lost_when_releases_take_over(
    app: AppUnderTest, engine: docker.DockerClient
) -> None:
    version(app, "good 1")
    assert app.run().code == 0
    front = front_of(app, engine)
    with load(app.port, slow=["/slow"]) as asked:
        version(app, "good 2")
        done = app.run()
        assert done.code == 0, done.text
        assert "without a gap" in done.text
        assert app.command("rollback", "--output", "plain").code == 0
    assert asked.failures == []
    assert set(asked.answers) == {"good 1", "good 2"}
    assert asked.requests > 100
    assert app.get().text == "good 1"
    assert front_of(app, engine) == front
    assert app.latest()["artifacts"]["Release"]["gap"] == 0.0


def test_a_version_that_dies_while_it_is_watched_gives_way(app: AppUnderTest) -> None:
    operate(app, "soak: 5s")
    version(app, "good 1")
    assert app.run().code == 0
    # Its tenth request is its last one: as a candidate it gets one.
    app.write(
        '"good 2" if next(LEFT) < 10 else os._exit(3)',
        before="import itertools; LEFT = itertools.count(1)",
    )
    with load(app.port, clients=3, pause=0.05) as asked:
        done = app.run()
    assert done.code == 1, done.text
    assert "r2 did not hold, r1 serves again" in done.text
    # At most what it was answering when it died: an HTTP/1.0 answer that ends early looks whole.
    assert len(asked.failures) + asked.answers.pop("", 0) <= 3, asked.failures
    assert set(asked.answers) <= {"good 1", "good 2"}
    assert app.get().text == "good 1"
    status = app.command("status", "--json").json
    assert (status["release"], status["state"], status["releases"]) == ("r1", "live", ["r1"])


def test_whatever_happens_to_the_front_it_comes_back(
    app: AppUnderTest, engine: docker.DockerClient
) -> None:
    assert app.run().code == 0
    name = f"{app.name}-front"
    for harm, told in (
        (lambda: engine.containers.get(name).remove(force=True), "the front is gone"),
        (lambda: engine.containers.get(name).stop(timeout=5), "the front is exited"),
        (
            lambda: engine.containers.get(name).exec_run(
                ["mv", f"/front/live/{app.name}-r1", "/front/live/nobody"]
            ),
            "the front leads to nobody",
        ),
    ):
        harm()
        status = app.command("status", "--json").json
        assert (status["state"], status["services"][0]["drift"]) == ("degraded", told)
        done = app.run()
        assert done.code == 0, done.text
        assert app.get().text == "good"
        assert app.command("status", "--json").json["state"] == "live"

    os.kill(engine.containers.get(name).attrs["State"]["Pid"], signal.SIGKILL)
    assert eventually(lambda: answer(app) == "good", 60)  # the engine starts it again
    assert app.command("down").code == 0
    assert engine.networks.list(filters={"label": f"dockcycle.project={app.name}"}) == []


def test_a_change_of_strategy_has_a_gap_that_is_told(
    app: AppUnderTest, engine: docker.DockerClient
) -> None:
    operate(app, "soak: 0s, strategy: replace")
    assert app.run().code == 0
    assert engine.containers.get(f"{app.name}-r1").ports
    operate(app, "soak: 0s")
    app.write('"good, newer"')
    done = app.run()
    assert done.code == 0, done.text
    assert "r2 took over from r1 (nothing served for" in done.text
    assert not engine.containers.get(f"{app.name}-r2").ports["8000/tcp"]
    assert app.get().text == "good, newer"
    assert app.command("rollback", "--output", "plain").code == 0
    assert app.get().text == "good"
    assert engine.containers.list(all=True, filters={"name": f"{app.name}-front"}) == []
    assert app.command("rollback", "r2", "--output", "plain").code == 0
    assert app.get().text == "good, newer"


def test_stopped_it_refuses_and_started_it_answers(app: AppUnderTest) -> None:
    assert app.run().code == 0
    assert app.command("stop").code == 0
    with pytest.raises(requests.ConnectionError):
        app.get()
    assert app.command("start").code == 0
    assert app.get().text == "good"


def test_requests_say_where_they_come_from(app: AppUnderTest) -> None:
    """Also those that another proxy has passed on."""
    app.write(
        "'good ' + ' '.join(f'{k}={v}' for k, v in sorted(self.headers.items()) if k[:2] == 'X-')"
    )
    assert app.run().code == 0
    plain = app.get().text
    assert f"X-Forwarded-Host=127.0.0.1:{app.port}" in plain
    assert "X-Forwarded-Proto=http" in plain
    passed = requests.get(
        f"http://127.0.0.1:{app.port}/", timeout=5,
        headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"},
    ).text  # fmt: skip
    assert "X-Forwarded-For=203.0.113.9, " in passed
    assert "X-Forwarded-Proto=https" in passed


def test_a_compose_service_takes_over_and_the_database_goes_on(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    with small_app(tmp_path, engine) as app:
        compose(app)
        operate_compose = "operate: {{keep: 2, soak: 0s, route: {{service: web, port: 8000}}}}"
        app.pipeline(COMPOSE_PIPELINE.replace("operate: {{keep: 2}}", operate_compose))
        write_version(app, 1)
        first = app.run()
        assert first.code == 0, first.text
        db = engine.containers.get(f"{app.name}-db-1")
        with load(app.port, clients=4) as asked:
            write_version(app, 2)
            done = app.run()
            assert done.code == 0, done.text
            assert "without a gap" in done.text
            assert app.command("rollback", "--output", "plain").code == 0
        assert asked.failures == []
        assert set(asked.answers) == {SAYS.format(version=n).strip() for n in (1, 2)}
        assert app.get().text == SAYS.format(version=1)
        again = engine.containers.get(f"{app.name}-db-1")
        assert (again.id, again.attrs["State"]["StartedAt"]) == (
            db.id, db.attrs["State"]["StartedAt"],
        )  # fmt: skip
        assert len(engine.containers.list(filters={"name": f"{app.name}-web-"})) == 1
        assert app.command("stop").code == 0
        with pytest.raises(requests.ConnectionError):
            app.get()
        assert app.command("start").code == 0
        assert app.get().text == SAYS.format(version=1)
