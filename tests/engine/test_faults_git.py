"""A git remote that is ahead, gone, unwilling, silent or wants a password: a run says so soon, the
old version serves, the user's changes stay as they were, and running again later goes on."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from tests.engine.conftest import AppUnderTest, free_port
from tests.engine.faults import (
    HOLD,
    PIPELINE,
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

pytestmark = pytest.mark.engine

SOON = 60.0
"""Seconds for a whole run, on a busy machine."""
TRACK = "- track: {push: origin"


@dataclass
class Tracked:
    """Version 1 is live; version 2 is written, its page pushed by the user. The user has a staged
    and an unstaged change of a file that is not shipped."""

    app: AppUnderTest
    engine: docker.DockerClient
    remote: Path

    def run(self) -> Ended:
        return timed(self.app, "run", "--output", "plain", within=SOON)

    def mine(self) -> tuple[str, ...]:
        """The user's changes, staged and not."""
        show = ("diff", "--", "notes"), ("diff", "--cached", "--", "notes"), ("stash", "list")
        return tuple(self.app.git(*words) for words in show)

    def there(self, *args: str) -> str:
        return git(self.remote, *args)

    def colleague(self, *files: tuple[str, str]) -> str:
        """Somebody else pushes a commit; its id."""
        clone = self.remote.with_name("colleague")
        git(self.remote, "clone", "-q", "-b", "main", str(self.remote), str(clone))
        for name, text in files:
            (clone / name).write_text(text)
        git(clone, "add", "-A")
        who = ("-c", "user.name=Colleague", "-c", "user.email=colleague@example.com")
        git(clone, *who, "commit", "-q", "-m", "by a colleague")
        git(clone, "push", "-q", "origin", "main")
        shutil.rmtree(clone)
        return self.there("rev-parse", "main")

    def set_track(self, more: str) -> None:
        file = self.app.directory / "pipeline.yml"
        file.write_text(file.read_text().replace(TRACK, f"{TRACK}, {more}"))

    def assert_old_one_serves(self, code: int = 4) -> None:
        assert_serves(self.app, 1)
        assert_failed_run(self.app, stage="track", code=code)
        assert_tidy(self.app, self.engine)
        assert self.app.command("status", "--json").json["release"] == "r1"


def git(directory: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=directory, check=True, text=True, capture_output=True)
    return done.stdout.strip()


@pytest.fixture
def tracked(app: AppUnderTest, engine: docker.DockerClient) -> Iterator[Tracked]:
    fill_in(app, pipeline=PIPELINE.replace("push: origin", "push: origin, tag: true"))
    (app.directory / "notes").write_text("committed\n")
    app.commit("notes")
    release(app, 1)
    write_version(app, 2)
    app.git("push", "-q", "origin", "main")
    (app.directory / "notes").write_text("staged\n")
    app.git("add", "notes")
    (app.directory / "notes").write_text("not staged\n")
    made = Tracked(app, engine, Path(app.git("remote", "get-url", "origin")))
    before = made.mine()
    yield made
    assert made.mine() == before


def hook(remote: Path, script: str) -> Path:
    """Make the server run that before it takes a push."""
    file = remote / "hooks" / "pre-receive"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


# ahead


def test_a_remote_that_is_ahead_gets_our_commit_on_top(tracked: Tracked) -> None:
    theirs = tracked.colleague(("other", "theirs\n"))
    done = tracked.run()
    assert done.code == 0, done.text
    assert "had moved on" in done.text
    assert tracked.there("rev-parse", "main~1") == theirs
    assert tracked.there("show", "main:Dockerfile") == dockerfile(tracked)
    assert tracked.there("show", "main:other") == "theirs"
    assert_serves(tracked.app, 2)
    assert_tidy(tracked.app, tracked.engine)


def test_a_remote_that_is_ahead_of_the_users_own_commits_is_the_users_to_merge(
    tracked: Tracked,
) -> None:
    app = tracked.app
    theirs = tracked.colleague(("other", "theirs\n"))
    mine = app.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "mine")
    app.git("update-ref", "HEAD", mine)
    ended = tracked.run()
    assert_told(ended, cause="origin/main has moved on", next_step="git pull --rebase")
    assert "mine" in ended.text
    assert tracked.there("rev-parse", "main") == theirs
    tracked.assert_old_one_serves()

    # What a user would do: put the changes aside, rebase, take them back.
    app.git("stash", "push", "-q")
    app.git("pull", "-q", "--rebase", "origin", "main")
    app.git("stash", "pop", "-q", "--index")
    again = app.run()
    assert again.code == 0, again.text
    assert_serves(app, 2)
    assert tracked.there("rev-parse", "main") == app.git("rev-parse", "HEAD")


def test_other_changes_to_the_same_file_are_not_overwritten(tracked: Tracked) -> None:
    theirs = tracked.colleague(("Dockerfile", "FROM scratch\n"))
    ended = tracked.run()
    assert_told(
        ended, cause="origin/main has other changes to Dockerfile", next_step="git pull --rebase"
    )
    assert tracked.there("rev-parse", "main") == theirs
    tracked.assert_old_one_serves()


def dockerfile(tracked: Tracked) -> str:
    return (tracked.app.directory / "Dockerfile").read_text().strip()


# gone, unwilling


@contextmanager
def gone(tracked: Tracked) -> Iterator[None]:
    aside = tracked.remote.with_name("aside.git")
    tracked.remote.rename(aside)
    yield
    aside.rename(tracked.remote)


@contextmanager
def refusing(tracked: Tracked) -> Iterator[None]:
    made = hook(tracked.remote, "echo 'pushes only on weekdays' >&2; exit 1")
    yield
    made.unlink()


@contextmanager
def nobody_listens(tracked: Tracked) -> Iterator[None]:
    with elsewhere(tracked, f"http://127.0.0.1:{free_port()}/app.git"):
        yield


@contextmanager
def wants_a_password(tracked: Tracked) -> Iterator[None]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with elsewhere(tracked, f"http://127.0.0.1:{server.server_port}/app.git"):
                yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def elsewhere(tracked: Tracked, url: str) -> Iterator[None]:
    tracked.app.git("remote", "set-url", "origin", url)
    yield
    tracked.app.git("remote", "set-url", "origin", str(tracked.remote))


@dataclass(frozen=True)
class Bad:
    trouble: Callable[[Tracked], object]
    cause: str
    next_step: str


BAD = {
    "gone": Bad(gone, "does not appear to be a git repository", "remote"),
    "refusing": Bad(refusing, "pushes only on weekdays", "pull_request: true"),
    "nobody-listens": Bad(nobody_listens, "127.0.0.1", "network"),
    "wants-a-password": Bad(wants_a_password, "127.0.0.1", "credential"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_push_that_fails_is_made_by_the_next_run(bad: Bad, tracked: Tracked) -> None:
    app, before = tracked.app, tracked.there("rev-parse", "main")
    with bad.trouble(tracked):  # type: ignore[attr-defined]
        ended = tracked.run()
        assert_told(ended, cause=bad.cause, next_step=bad.next_step)
        tracked.assert_old_one_serves()
    assert tracked.there("rev-parse", "main") == before
    committed = app.git("rev-parse", "HEAD")
    assert app.git("show", "HEAD:Dockerfile") == dockerfile(tracked)

    assert_goes_on(app, tracked.engine, 2)
    assert app.git("rev-parse", "HEAD") == committed, "what is committed is not committed again"
    assert tracked.there("rev-parse", "main") == committed
    assert app.latest()["artifacts"]["GitRecord"]["tag"] in tracked.there("tag").splitlines()


def test_a_release_need_not_wait_for_git(tracked: Tracked) -> None:
    file = tracked.app.directory / "pipeline.yml"
    file.write_text(file.read_text().replace("- track: {", "- track: {allow_failure: true, "))
    with refusing(tracked):
        done = tracked.run()
    assert done.code == 0, done.text
    assert "pushes only on weekdays" in done.text
    assert_serves(tracked.app, 2)
    assert_tidy(tracked.app, tracked.engine)


def test_a_server_that_hangs_ends_with_the_stages_time(tracked: Tracked) -> None:
    tracked.set_track("timeout: 3s")
    made = hook(tracked.remote, f"exec sleep {HOLD}")
    ended = tracked.run()
    assert_told(ended, code=1, cause="did not finish within its limit of 3 s", next_step="timeout:")
    tracked.assert_old_one_serves(code=1)
    made.unlink()
    assert_goes_on(tracked.app, tracked.engine, 2)
