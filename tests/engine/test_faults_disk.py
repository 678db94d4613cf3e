"""A disk that is full: under the state directory, the folder for temporary files, an archive."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from tests.engine.conftest import AppUnderTest, leftovers
from tests.engine.faults import (
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

pytestmark = pytest.mark.engine

SOON = 60.0
"""Seconds for a whole run, on a busy machine."""
BALLAST = "ballast"


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of that size at ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", str(folder)]
    subprocess.run(mount, check=True, timeout=30)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=30)


def used(disk: Path) -> int:
    """Bytes."""
    stat = os.statvfs(disk)
    return (stat.f_blocks - stat.f_bfree) * stat.f_frsize


def leave(disk: Path, room: int) -> None:
    """Fill the disk up to that many bytes."""
    stat = os.statvfs(disk)
    size = max(0, stat.f_bavail * stat.f_frsize - room)
    (disk / BALLAST).write_bytes(bytes(size))


@contextlib.contextmanager
def watched(disk: Path) -> Iterator[list[int]]:
    """Gives, afterwards, the most that was in use, in bytes."""
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            most[0] = max(most[0], used(disk))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


@pytest.fixture
def shipped(app: AppUnderTest) -> Iterator[AppUnderTest]:
    """Version 1 is live; the state is on a small disk."""
    with small_disk(app.home, "16m"):
        fill_in(app)
        release(app, 1)
        yield app
        # What is live is the engine's to know: with its state lost it can be taken down.


STEPS = 8


@pytest.mark.timeout(900)
def test_the_state_directory_fills_up_during_a_run(
    shipped: AppUnderTest, engine: docker.DockerClient
) -> None:
    """At an eighth of what a run writes, at two eighths, and so on."""
    app = shipped
    before = used(app.home)
    with watched(app.home) as most:
        release(app, 2)
    needs = most[0] - before
    assert needs > 0

    full = 0
    for version, step in enumerate(range(STEPS), start=3):
        write_version(app, version)
        leave(app.home, needs * step // STEPS)
        ended = timed(app, "run", "--output", "plain", within=SOON)
        (app.home / BALLAST).unlink()
        told = f"with {step}/{STEPS} of {needs} bytes: {ended.text}"
        if ended.code == 0:  # one run needs a little less than another
            assert_serves(app, version)
            continue
        full += 1
        assert ended.code == 4, told
        assert_told(ended, cause="cannot be used", next_step="Free some space")
        in_force = int(app.command("status", "--json").json["release"].removeprefix("r"))
        assert in_force in (version - 1, version), told
        assert_serves(app, in_force)
        assert_goes_on(app, engine, version)
    assert full > STEPS // 2


def fill(disk: Path) -> None:
    leave(disk, 0)


def protect(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, timeout=30)


@pytest.mark.parametrize("spoil", [fill, protect])
def test_no_state_can_be_written_from_the_start(
    spoil: Callable[[Path], None], app: AppUnderTest, engine: docker.DockerClient
) -> None:
    with small_disk(app.home, "1m"):
        spoil(app.home)
        for command in (["run", "--output", "plain"], ["history"], ["show"]):
            ended = timed(app, *command, within=SOON)
            assert_told(ended, cause=str(app.home), next_step="Free some space")
        assert leftovers(engine, app.name) == []
        assert app.git("status", "--porcelain") == ""
    assert app.run("--to", "build").code == 0


CAUSES = {
    1: "No space left on device",
    2: "no space is left for temporary files",
    3: "no space is left for temporary files",
}
"""By the pages that there is room for: what a build writes takes four; git, before it, takes one
and gives it back."""


def test_no_room_for_temporary_files(app: AppUnderTest, engine: docker.DockerClient) -> None:
    fill_in(app)
    release(app, 1)
    write_version(app, 2)
    with small_disk(app.directory.with_name("tmp"), "64k") as disk:
        app.environ["TMPDIR"] = str(disk)
        for pages in CAUSES:
            leave(disk, pages * resource.getpagesize())
            ended = timed(app, "run", "--output", "plain", within=SOON)
            doctor = timed(app, "doctor", within=SOON)
            (disk / BALLAST).unlink()
            assert_told(ended, cause=CAUSES[pages], next_step="doctor" if pages == 1 else "TMPDIR")
            assert_failed_run(app, stage="build")
            assert_serves(app, 1)
            assert_tidy(app, engine)
            assert list(disk.iterdir()) == []
            assert (doctor.code, f"free in {disk}" in doctor.text) == (4, True), doctor.text
    del app.environ["TMPDIR"]
    assert_goes_on(app, engine, 2)


def test_no_room_for_an_archive(app: AppUnderTest, engine: docker.DockerClient) -> None:
    fill_in(app)
    release(app, 1)
    write_version(app, 2)
    pipeline = app.directory / "pipeline.yml"
    with small_disk(app.directory / "out", "64k") as disk:
        to = "to: [{archive: out/image.tar}]"
        pipeline.write_text(pipeline.read_text().replace("to: [local]", to))
        ended = timed(app, "run", "--output", "plain", within=SOON)
        assert_told(ended, cause="No space left on device", next_step="Free some space")
        assert_failed_run(app, stage="push")
        assert list(disk.iterdir()) == []
        assert_serves(app, 1)
        assert_tidy(app, engine)
    assert_goes_on(app, engine, 2)
