"""``dockcycle watch``, as a stranger would use it: save a file, push a commit, press Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import docker
import pytest

from tests.engine.conftest import AppUnderTest, candidates
from tests.engine.faults import HOLD, Underway, assert_serves, fill_in
from tests.engine.small import TINY, write_version

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

IDLE = "Ctrl-C ends"


@pytest.fixture
def page(make_app: Callable[..., AppUnderTest]) -> AppUnderTest:
    made = make_app()
    fill_in(made)
    write_version(made, 1)
    return made


@contextmanager
def watching(app: AppUnderTest, *args: str) -> Iterator[Underway]:
    """The command, until Ctrl-C."""
    watch = Underway(app, *args, verb="watch")
    try:
        watch.until(IDLE)
        yield watch
        watch.process.send_signal(signal.SIGINT)
        assert watch.ended(60).code == 130, "".join(watch.lines)
    finally:
        watch.kill()


def test_a_saved_file_is_shipped_and_a_newer_one_ends_the_run(
    page: AppUnderTest, engine: docker.DockerClient
) -> None:
    dawdling = f"{TINY.format(version=2)}RUN echo $((6*7)) is under way; sleep {HOLD}\n"
    with watching(page) as watch:
        assert_serves(page, 1)
        (page.directory / "Dockerfile").write_text(dawdling)
        watch.until("42 is under way")
        write_version(page, 3)
        watch.until("cancelled after")
        watch.until(IDLE)
        assert_serves(page, 3)
        (page.directory / "Dockerfile").write_text(TINY.format(version=4) + "RUN exit 7\n")
        watch.until("live: r2 still serves")
        watch.until(IDLE)
    assert_serves(page, 3)
    assert candidates(engine, page.name) == []
    runs = page.command("history", "--json").json
    assert [run["status"] for run in runs] == ["failed", "passed", "interrupted", "passed"]
    assert {run["trigger"] for run in runs} == {"watch"}


def test_a_pushed_commit_is_shipped_without_a_touch_on_the_work_tree(page: AppUnderTest) -> None:
    page.commit("version 1, whole")
    page.git("push", "-q", "origin", "main")
    with watching(page, "--git", "--interval", "1s") as watch:
        assert_serves(page, 1)
        write_version(page, 2)
        subprocess.run(["git", "push", "-q", "--force", "origin", "HEAD:main"],
                       cwd=page.directory, check=True)  # fmt: skip
        (page.directory / "index.html").write_text("not committed")
        watch.until("main is at")
        watch.until(IDLE)
        assert_serves(page, 2)
        assert (page.directory / "index.html").read_text() == "not committed"
