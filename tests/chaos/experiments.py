"""Experiments with releases and accidents; each is a row of the table."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import docker

from tests.chaos.site import READY, Row, Site, site
from tests.support.own_lab import lab

WITHIN = 10.0
"""Seconds after the engine answers within which the app must."""


def releases(engine: docker.DockerClient, rounds: int) -> Iterator[Row]:
    """Releases and rollbacks under load, keep-alive connections and slow requests among it."""
    with site(engine) as one:
        one.soak(0.3, limit=8)  # it is about requests, not about how fast a busy machine is
        for number in range(2, 7):
            one.version(f"'good {number}'")
            one.must()
        before = one.objects()
        with one.load(slow=3) as asked:
            for number in range(rounds):
                one.version(f"'good {number + 7}'")
                one.must()
                one.must("rollback")
        rate = asked.requests / asked.seconds
        bad = sum(count for text, count in asked.answers.items() if not text.startswith("good "))
        yield Row(
            "releases and rollbacks",
            f"{rounds} and {rounds} under {rate:.0f} requests/s",
            f"{asked.requests} requests, {bad + len(asked.failures)} failed"
            f" {asked.failures[:2] or ''}, slowest {asked.slowest:.1f} s",
            not asked.failures and not bad,
        )
        after = one.objects()
        yield Row(
            "what releases leave", f"{2 * rounds} of them, keep: 5",
            ", ".join(f"{before[kind]} → {after[kind]} {kind}" for kind in before),
            all(after[kind] <= before[kind] + 1 for kind in before),
        )  # fmt: skip


def accidents(engine: docker.DockerClient, rounds: int) -> Iterator[Row]:
    """Things die under load."""
    with site(engine) as one:
        for what, name in (("front", f"{one.app.name}-front"), ("app", f"{one.app.name}-r1")):
            back = 0.0
            with one.load(slow=0) as asked:
                for _ in range(rounds):
                    time.sleep(0.5)
                    os.kill(engine.containers.get(name).attrs["State"]["Pid"], signal.SIGKILL)
                    back = max(back, one.answers("good 1"))
            yield Row(
                f"kill -9 of the {what}", f"{rounds} times",
                f"{asked.requests} requests, {len(asked.failures)} cut or refused;"
                f" back within {back:.1f} s",
                back < WITHIN,
            )  # fmt: skip
        engine.containers.get(f"{one.app.name}-front").remove(force=True)
        one.must()
        yield Row("the front is deleted, then `run`", "once", "serves again",
                  one.answers("good 1") < WITHIN)  # fmt: skip
        yield _failing_rollback(one)


def _failing_rollback(one: Site) -> Row:
    """What came back is no longer what it was."""
    one.version("'good 2'")
    one.must()
    old = one.engine.containers.get(f"{one.app.name}-r1")
    spoilt = (one.app.directory / "app.py").read_text().replace("good 2", "bad")
    from pipeline.adapters.docker.mapping import archive

    old.put_archive("/", archive({"/app/app.py": spoilt.encode()}))
    with one.load(slow=0) as asked:
        done = one.run("rollback")
    status = one.status()
    held = done.code == 1 and status["release"] == "r2" and set(asked.answers) == {"good 2"}
    return Row(
        "a rollback that fails", "once",
        f"exit code {done.code}, {status['release']} serves; {asked.requests} requests,"
        f" {len(asked.failures)} failed",
        held and not asked.failures,
    )  # fmt: skip


def engine_restarts(engine: docker.DockerClient, rounds: int) -> Iterator[Row]:
    """The engine is killed and comes back, as after a power cut."""
    with site(engine) as one:
        images, longest = one.images(), 0.0
        for _ in range(rounds):
            lab("kill")
            lab("up", "--net", "own")
            _answers(engine)
            longest = max(longest, one.answers("good 1"))
        same = one.images() == images
        yield Row(
            "the engine is killed and restarted", f"{rounds} times",
            f"answers within {longest:.1f} s, {'the same' if same else 'another'} image",
            same and longest < WITHIN,
        )  # fmt: skip
        one.must("stop")
        lab("restart")
        _answers(engine)
        time.sleep(3)
        stays = one.status()["state"] == "stopped" and not one.images()
        yield Row("stopped by hand, then an engine restart", "once",
                  "stays stopped" if stays else "came back", stays)  # fmt: skip


def _answers(engine: docker.DockerClient) -> None:
    end = time.monotonic() + READY
    while True:
        try:
            engine.ping()
            return
        except Exception:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
