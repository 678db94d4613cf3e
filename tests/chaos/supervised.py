"""Experiments with a supervisor at work; each is a row of the table."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import docker

from tests.chaos.site import READY, Row
from tests.engine.conftest import AppUnderTest
from tests.engine.guarding import (
    Guard,
    Receiver,
    container,
    containers,
    crash,
    first_healthy,
    guarded,
    healthy,
    make_shop,
    serves,
    started,
)
from tests.engine.small import TINY, small_app, write_version
from tests.support.own_lab import lab

WITHIN = 10.0
"""Seconds after the engine answers within which all must be healthy."""
IDLE = 60.0
"""Seconds for which an idle supervisor is measured."""
CRASHES = TINY.partition("CMD")[0] + (
    'CMD ["sh", "-c", "test -e /shared/broken && exit 3; exec busybox httpd -f -p 8000 -h /www"]\n'
)
OFTEN = ("--repairs", "50", "--steady", "1s")


def supervised(engine: docker.DockerClient, rounds: int) -> Iterator[Row]:
    """Whatever dies comes back, and what cannot is given up."""
    with apps(engine, 1) as (app,):
        write_version(app, 1)
        assert app.run().code == 0
        with guarded(app, *OFTEN) as guard:
            yield _idle(guard)
            yield _deleted(engine, app, guard, rounds)
        yield _killed(engine, app, rounds)
    yield _crash_loop(engine)
    yield _engine_killed(engine, rounds)


def _idle(guard: Guard) -> Row:
    time.sleep(3)
    before = _cpu(guard.process.pid)
    time.sleep(IDLE)
    share = 100 * (_cpu(guard.process.pid) - before) / IDLE
    memory = _memory(guard.process.pid)
    return Row("an idle supervisor", f"{IDLE:.0f} s", f"{share:.2f} % of a core, {memory:.0f} MB",
               share < 1 and memory < 60)  # fmt: skip


def _deleted(engine: docker.DockerClient, app: AppUnderTest, guard: Guard, rounds: int) -> Row:
    image, longest = container(engine, app).attrs["Image"], 0.0
    for _ in range(rounds):
        for name in (f"{app.name}-front", container(engine, app).name):
            engine.containers.get(name).remove(force=True)
        longest = max(longest, _until(lambda: serves(app)))
    same = container(engine, app).attrs["Image"] == image
    return Row("front and app are deleted", f"{rounds} times",
               f"serves within {longest:.1f} s, {'the same' if same else 'another'} image",
               same and longest < READY)  # fmt: skip


def _killed(engine: docker.DockerClient, app: AppUnderTest, rounds: int) -> Row:
    """The supervisor itself, just when there is something to do."""
    longest = 0.0
    for number in range(rounds):
        guard = Guard(app, *OFTEN)
        container(engine, app).remove(force=True)
        time.sleep(1.5 + 0.3 * number)  # about when it makes the container again
        guard.kill()
        begun = time.monotonic()
        with guarded(app, *OFTEN):
            _until(lambda: serves(app))
            longest = max(longest, time.monotonic() - begun)
    return Row("kill -9 of the supervisor during a repair", f"{rounds} times",
               f"the next one goes on: serves within {longest:.1f} s", longest < READY)  # fmt: skip


def _crash_loop(engine: docker.DockerClient) -> Row:
    receiver = Receiver()
    with apps(engine, 1, ", volumes: ['./shared:/shared']") as (app,):
        text = (app.directory / "pipeline.yml").read_text()
        told = f"notify: [{{webhook: '{receiver.url}', on: [degraded, recovered]}}]\nstages:\n"
        (app.directory / "pipeline.yml").write_text(text.replace("stages:\n", told))
        write_version(app, 1, dockerfile=CRASHES)
        assert app.run().code == 0
        with guarded(app, "--repairs", "5", "--within", "10m"):
            (app.directory / "shared" / "broken").touch()
            crash(container(engine, app))
            waited = _until(lambda: bool(receiver.events))
            time.sleep(30)  # nothing more must come
            container(engine, app).reload()
            rests = not container(engine, app).attrs["State"]["Running"]
        state = app.command("status", "--json").json["state"]
        (app.directory / "shared" / "broken").unlink()
    receiver.close()
    kinds = [event["event"] for event in receiver.events]
    return Row("a crash loop", "budget of 5 in 10 minutes",
               f"{state} after {waited:.1f} s, {len(kinds)} notification, then at rest",
               kinds == ["degraded"] and state == "degraded" and rests)  # fmt: skip


def _engine_killed(engine: docker.DockerClient, rounds: int) -> Row:
    with apps(engine, 2) as (app, shop):
        write_version(app, 1)
        assert app.run().code == 0
        make_shop(shop)
        images = _images(engine, app, shop)
        container(engine, shop, "db").exec_run(["sh", "-c", "echo precious > /data/kept"])
        longest, ordered = 0.0, 0
        with guarded(app, "--project", shop.name, *OFTEN):
            for _ in range(rounds):
                before = started(container(engine, shop, "web"))
                lab("kill")
                lab("restart")
                longest = max(longest, _until(partial(_well, engine, app, shop, before)))
                ordered += _in_order(engine, shop)
        kept = container(engine, shop, "db").exec_run("cat /data/kept").output
        same, intact = _images(engine, app, shop) == images, kept == b"precious\n"
    return Row(
        "the engine is killed: app and Compose shop, supervised", f"{rounds} times",
        f"all healthy within {longest:.1f} s of its start, {ordered} times in order of"
        f" dependency, {'the same' if same else 'other'} images, data"
        f" {'intact' if intact else 'lost'}",
        same and intact and ordered == rounds and longest < WITHIN,
    )  # fmt: skip


def _well(engine: docker.DockerClient, app: AppUnderTest, shop: AppUnderTest, before: str) -> bool:
    """All started again, healthy, and web after db."""
    return (
        serves(app)
        and serves(shop)
        and all(healthy(engine, shop, service) for service in ("web", "db"))
        and started(container(engine, shop, "web")) > before
        and _in_order(engine, shop)
    )


def _in_order(engine: docker.DockerClient, shop: AppUnderTest) -> bool:
    ready = first_healthy(container(engine, shop, "db"))
    return "" < ready < started(container(engine, shop, "web"))


def _images(engine: docker.DockerClient, *apps: AppUnderTest) -> set[str]:
    return {
        one.attrs["Image"]
        for app in apps
        for service in ("app", "web", "db")
        for one in containers(engine, app, service)
    }


@contextmanager
def apps(engine: docker.DockerClient, count: int, run: str = "") -> Iterator[list[AppUnderTest]]:
    """Small apps, of which nothing is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="dockcycle-chaos-") as folder:
        if count == 1:
            with small_app(Path(folder, "app"), engine, run) as app:
                yield [app]
        else:
            with (
                small_app(Path(folder, "app"), engine, run) as app,
                small_app(Path(folder, "shop"), engine) as shop,
            ):
                yield [app, shop]


def _until(holds: Callable[[], bool]) -> float:
    """Seconds until it holds; ``READY`` if it does not."""
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < READY:
        if holds():
            return waited
        time.sleep(0.1)
    return READY


def _cpu(pid: int) -> float:
    """Seconds of processor time that it has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Megabytes that it has resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000
