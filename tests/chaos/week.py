"""A week in fast motion: many releases of a tiny app, one after the other."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker

from tests.chaos.site import Row
from tests.engine import quick
from tests.engine.conftest import AppUnderTest
from tests.engine.small import SAYS, small_app, write_version

SETTLED = 20
"""Releases after which what is kept has its final number."""
EVERY = 100
"""Releases from one look at what is left to the next."""
QUICK = 2.0
"""Seconds in which the whole history must be listed."""
RECORD = 64 * 1024
"""Bytes that one run may leave in the state directory: its record and its log."""

LAYERS = 16 << 20
"""Bytes by which the layers of all images may differ."""


@dataclass(frozen=True)
class Left:
    """What there is of ours after some releases."""

    objects: dict[str, int]
    files: int
    """In the state directory."""
    state: int
    """Bytes of the state directory."""
    layers: int
    """Bytes of all image layers on the engine."""
    memory: int
    """MiB that a run took at most."""
    seconds: float
    """That a release took."""


def week(engine: docker.DockerClient, releases: int) -> Iterator[Row]:
    """Everything is as flat at the end as it was in the beginning."""
    with (
        tempfile.TemporaryDirectory(prefix="dockcycle-week-") as folder,
        small_app(Path(folder, "tiny"), engine) as app,
    ):
        seen: list[Left] = []
        for number in range(1, releases + 1):
            seconds = _release(app, number)
            if number in (SETTLED, releases) or number % EVERY == 0:
                seen.append(_left(app, engine, seconds))
                if number > SETTLED:
                    yield _flat(seen[0], seen[-1], number)
        begun = time.monotonic()
        listed = app.command("history", "--limit", str(2 * releases), "--json").json
        took = time.monotonic() - begun
        grown = (seen[-1].state - seen[0].state) / max(1, releases - SETTLED)
        yield Row(
            "records of that week", f"{releases} runs",
            f"{grown / 1024:.1f} KiB a run in the state directory; all {len(listed)} listed"
            f" in {took:.2f} s",
            len(listed) == releases + len(seen) and took < QUICK and grown < RECORD,
        )  # fmt: skip


def _release(app: AppUnderTest, number: int) -> float:
    begun = time.monotonic()
    write_version(app, number)
    done = quick.command(app, "run")
    assert done.code == 0, done.text
    assert app.get().text == SAYS.format(version=number)
    return time.monotonic() - begun


def _left(app: AppUnderTest, engine: docker.DockerClient, seconds: float) -> Left:
    mine = {"label": f"dockcycle.project={app.name}"}
    files = [path for path in app.home.rglob("*") if path.is_file()]
    return Left(
        {
            "containers": len(engine.containers.list(all=True, filters=mine)),
            "images": len(engine.images.list(filters=mine)),
            "volumes": len(engine.volumes.list(filters=mine)),
            "networks": len(engine.networks.list(filters=mine)),
        },
        len(files),
        sum(path.stat().st_size for path in files),
        int(engine.df()["LayersSize"]),
        _memory_of_a_run(app),
        seconds,
    )


def _memory_of_a_run(app: AppUnderTest) -> int:
    process = app.start("run", "--output", "plain")
    assert process.stdout is not None
    process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_maxrss // 1024


def _flat(first: Left, last: Left, releases: int) -> Row:
    counts = [f"{n} → {last.objects[kind]} {kind}" for kind, n in first.objects.items()]
    return Row(
        "a week in fast motion", f"{releases} releases, looked at after {SETTLED} and these",
        f"{', '.join(counts)}, {first.files} → {last.files} files of state,"
        f" {first.layers >> 20} → {last.layers >> 20} MiB of layers;"
        f" a run's memory {first.memory} → {last.memory} MiB;"
        f" a release took {first.seconds:.1f} → {last.seconds:.1f} s",
        first.objects == last.objects
        and last.memory < first.memory * 1.2
        and last.layers < first.layers + LAYERS,
    )  # fmt: skip
