"""The supervisor on the real engine: what goes wrong is put right, what is meant is left alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.engine.conftest import AppUnderTest
from tests.engine.guarding import (
    Receiver,
    container,
    crash,
    first_healthy,
    guarded,
    healthy,
    make_shop,
    serves,
    started,
)
from tests.engine.small import SHARED, TINY, small_app, write_version

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

FRAGILE = TINY.partition("CMD")[0] + (
    "HEALTHCHECK --interval=1s --timeout=2s --retries=2 CMD test ! -e /tmp/sick\n"
    'CMD ["sh", "-c", "test -e /shared/broken && exit 3; '
    'exec busybox httpd -f -p 8000 -h /www"]\n'
)
"""Is sick when /tmp/sick is there, and ends at once when /shared/broken is."""
PIPELINE = """\
version: 1
name: {name}
notify: [{{webhook: "HOOK"}}]
stages:
  - code
  - dockerfile
  - build
  - run: {{port: 8000, stop_grace_period: 1s, volumes: ['./shared:/shared']}}
  - smoke: {{within: 20s, checks: [{{get: /, expect: {{status: 200, body: good}}}}]}}
  - operate: {{publish: {port}, keep: 2}}
"""
OFTEN = ("--repairs", "20", "--steady", "1s")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def app(tmp_path: Path, engine: docker.DockerClient, receiver: Receiver) -> Iterator[AppUnderTest]:
    """A release that can be made sick, and tells ``receiver``."""
    with small_app(tmp_path, engine, SHARED) as made:
        made.pipeline(PIPELINE.replace("HOOK", receiver.url))
        write_version(made, 1, dockerfile=FRAGILE)
        done = made.run()
        assert done.code == 0, done.text
        assert [one["event"] for one in receiver.events] == ["success"]
        assert receiver.events[0]["release"] == "r1"
        yield made


def test_what_goes_wrong_is_put_right(app: AppUnderTest, engine: docker.DockerClient) -> None:
    image = container(engine, app).attrs["Image"]
    with guarded(app, *OFTEN) as guard:
        before = started(container(engine, app))
        crash(container(engine, app))
        guard.until(lambda: started(container(engine, app)) > before and serves(app))

        container(engine, app).kill()
        guard.until(lambda: "repaired" in guard.kinds and serves(app))

        container(engine, app).exec_run("touch /tmp/sick")
        guard.until(lambda: any("unhealthy" in one["message"] for one in guard.told))
        container(engine, app).exec_run("rm /tmp/sick")
        guard.until(lambda: healthy(engine, app))

        container(engine, app).remove(force=True)
        guard.until(lambda: healthy(engine, app))
        assert serves(app)
        assert container(engine, app).attrs["Image"] == image

        guard.kill()  # the next one goes on
        container(engine, app).remove(force=True)
    with guarded(app, *OFTEN) as guard:
        guard.until(lambda: healthy(engine, app))
        assert serves(app)
        assert guard.end() == 143
    assert app.command("status").code == 0


def test_what_is_stopped_stays_stopped(app: AppUnderTest, engine: docker.DockerClient) -> None:
    with guarded(app, *OFTEN) as guard:
        container(engine, app).stop(timeout=1)
        guard.until(lambda: guard.kinds == ["left"])
        said = app.command("status")
        assert "was stopped by hand" in said.out
        container(engine, app).start()
        guard.until(lambda: "stopped by hand" not in app.command("status").out)

        assert app.command("stop").code == 0
        assert app.command("supervise", "--once", "--project", app.name).code == 4  # one is there
    assert not container(engine, app).attrs["State"]["Running"]
    assert app.command("supervise", "--once", "--project", app.name).code == 0
    assert not container(engine, app).attrs["State"]["Running"]
    assert guard.kinds == ["left"]
    assert app.command("start").code == 0
    assert serves(app)


def test_a_crash_loop_ends_with_the_budget_and_one_notification(
    app: AppUnderTest, engine: docker.DockerClient, receiver: Receiver
) -> None:
    broken = app.directory / "shared" / "broken"
    with guarded(app, "--repairs", "3", "--steady", "2s") as guard:
        broken.touch()
        begun = guard_time(engine)
        crash(container(engine, app))
        guard.until(lambda: "degraded" in guard.kinds)
        guard.until(lambda: len(receiver.events) == 2)
        assert receiver.events[1]["event"] == "degraded"
        assert receiver.events[1]["service"] == "app"
        assert "ended with exit code 3" in receiver.events[1]["text"]
        said = app.command("status")
        assert said.code == 1
        assert "3 restarts and repairs within" in said.out
        # Docker restarts at once, and on a busy machine is quicker than its own news.
        assert starts(engine, app, begun) <= 3 + 3

        before = starts(engine, app, begun)
        broken.unlink()
        assert app.command("start").code == 0
        guard.until(lambda: len(receiver.events) == 3)
        assert receiver.events[2]["event"] == "recovered"
        assert starts(engine, app, begun) == before + 1
        assert container(engine, app).attrs["HostConfig"]["RestartPolicy"]["Name"] != "no"
    assert app.command("status").code == 0
    assert len(receiver.events) == 3


def test_the_front_comes_back_and_leads_to_what_is_live(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    with small_app(tmp_path, engine) as app:
        write_version(app, 1)
        assert app.run().code == 0
        front = f"{app.name}-front"
        with guarded(app, *OFTEN) as guard:
            engine.containers.get(front).kill()
            guard.until(lambda: "repaired" in guard.kinds and serves(app))
            for name in (front, container(engine, app).name):
                engine.containers.get(name).remove(force=True)
            guard.until(lambda: len(guard.kinds) >= 3 and serves(app))
            assert container(engine, app).attrs["HostConfig"]["PortBindings"] == {}
        assert {one["service"] for one in guard.told} == {"", "app", "front"}
    assert set(guard.kinds) == {"repaired"}


def test_a_shop_comes_back_in_the_order_of_its_dependencies(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    with small_app(tmp_path, engine) as shop:
        make_shop(shop)
        image = container(engine, shop, "web").attrs["Image"]
        with guarded(shop, *OFTEN) as guard:
            for service in ("web", "db"):
                container(engine, shop, service).kill()
            guard.until(lambda: all(healthy(engine, shop, one) for one in ("web", "db")))
            assert_in_order(engine, shop)

            before = started(container(engine, shop, "web"))
            container(engine, shop, "db").kill()  # web wants to be restarted when db was
            guard.until(lambda: started(container(engine, shop, "web")) > before)
            guard.until(lambda: all(healthy(engine, shop, one) for one in ("web", "db")))
            assert_in_order(engine, shop)

            container(engine, shop, "web").remove(force=True)
            guard.until(lambda: healthy(engine, shop, "web") and serves(shop))
            assert container(engine, shop, "web").attrs["Image"] == image
            db = started(container(engine, shop, "db"))
            assert db < started(container(engine, shop, "web"))
        assert set(guard.kinds) == {"repaired"}


def assert_in_order(engine: docker.DockerClient, shop: AppUnderTest) -> None:
    ready = first_healthy(container(engine, shop, "db"))
    assert "" < ready < started(container(engine, shop, "web"))


def guard_time(engine: docker.DockerClient) -> str:
    """Now, by the engine's clock."""
    return str(engine.info()["SystemTime"])


def starts(engine: docker.DockerClient, app: AppUnderTest, since: str) -> int:
    """How often the app was started since then, by whomever."""
    done = subprocess.run(
        ["docker", "events", "--since", since, "--until", guard_time(engine), "--filter",
         f"label=dockcycle.project={app.name}", "--filter", "event=start", "--format", "x"],
        check=True, text=True, capture_output=True,
    )  # fmt: skip
    return len(done.stdout.split())
