"""Twelve kinds of bad version."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import docker

from tests.chaos.site import PIPELINE, Row, Site, site
from tests.engine.conftest import DOCKERFILE, Result

BAD = "'bad'"
SOON = 15.0
"""Seconds after the failed run within which the old one must answer."""


@dataclass(frozen=True)
class Bad:
    """A bad version by what is written, ``soak`` seconds of being watched among it."""

    name: str
    text: str = BAD
    status: str = "200"
    before: str = ""
    dockerfile: str = DOCKERFILE
    soak: float = 0.3
    lost: int = 0
    """Answers that may be lost: those that were under way when it died."""


KINDS = (
    Bad("does not build", dockerfile=DOCKERFILE + "RUN no-such-command\n"),
    Bad("exits at once", before="sys.exit(3)"),
    Bad("takes too much memory", before="hoard = bytearray(400_000_000)"),
    Bad("never listens", before="time.sleep(600)"),
    Bad("answers 500", status="500"),
    Bad("answers the wrong body"),
    Bad("is slow", text="[time.sleep(3), 'good but slow'][1]"),
    Bad("flaps", text="'good' if next(N) % 2 else 'bad'",
        before="import itertools; N = itertools.count(1)"),
    Bad("dies while it is watched", text="'good 2' if next(N) < 40 else os._exit(3)",
        before="import itertools; N = itertools.count(1)", soak=10, lost=4),
    Bad("has a dependency that is sick", status="503"),
)  # fmt: skip


def twelve(engine: docker.DockerClient) -> Iterator[Row]:
    """Each under load; the old version answers all the while."""
    with site(engine) as one:
        for bad in KINDS:
            yield _tried(one, bad.name, lambda bad=bad: _ship(one, bad), bad.lost)
        yield _tried(one, "wants a port that is taken", lambda: _taken(one))
        yield _tried(one, "came back, but its image is gone", lambda: _gone(one))


def _ship(one: Site, bad: Bad) -> Result:
    one.soak(bad.soak)
    one.version(bad.text, status=bad.status, before=bad.before)
    (one.app.directory / "Dockerfile").write_text(bad.dockerfile)
    return one.run()


def _taken(one: Site) -> Result:
    with _listening() as port:
        text = PIPELINE.replace("SOAK", "0.3s").replace("LIMIT", "2s").replace("{port}", str(port))
        one.app.pipeline(text)
        one.version("'good 2'")
        (one.app.directory / "Dockerfile").write_text(DOCKERFILE)
        return one.run()


@contextmanager
def _listening() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("0.0.0.0", 0))
        held.listen()
        yield held.getsockname()[1]


def _gone(one: Site) -> Result:
    """The release before, of which somebody has removed container and image."""
    one.soak(0.3)
    one.version("'good 1'", before="# again")
    one.must()
    old = one.engine.containers.get(f"{one.app.name}-r1")
    image = old.image.id
    old.remove(force=True)
    one.engine.images.remove(image, force=True)
    return one.run("rollback", "r1")


def _tried(one: Site, name: str, ship: Callable[[], Result], lost: int = 0) -> Row:
    with one.load() as asked:
        before = sum(asked.answers.values())
        done = ship()
        back = one.answers("good 1")
        time.sleep(0.5)
    bad = sum(count for text, count in asked.answers.items() if not text.startswith("good "))
    held = done.code != 0 and bad + len(asked.failures) <= lost and back < SOON
    told = f"{asked.requests - before} requests: {bad} bad answers, {len(asked.failures)} failed"
    if asked.failures:
        told += f" ({asked.failures[0]})"
    return Row(f"a version that {name}", f"exit code {done.code}", told, held)
