"""What a run that meets a fault must come to: the right exit code, a cause, a next step, and soon;
afterwards the old version serves, nothing is left over, and the history is whole."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import docker
import requests

from pipeline.store import Home, Store
from tests.engine.conftest import AppUnderTest, candidates
from tests.engine.small import SAYS, write_version

HOLD = 90
"""Seconds that a version made to dawdle takes: longer than any bound here."""
RECOVERY = 60.0
"""Seconds within which an app serves again once its engine is back."""
PIPELINE = """\
version: 1
name: {name}
stages:
  - code
  - dockerfile
  - build
  - run: {{port: 8000, stop_grace_period: 1s}}
  - smoke: {{within: 20s, checks: [{{get: /, expect: {{status: 200, body: good}}}}]}}
  - push: {{to: [TARGET]}}
  - track: {{push: origin}}
  - operate: {{publish: {port}, keep: 2, soak: 0s}}
"""


def fill_in(app: AppUnderTest, target: str = "local", pipeline: str = PIPELINE) -> None:
    """Make the app one of a page and a remote, shipped by ``pipeline`` to ``target``."""
    (app.directory / "app.py").unlink(missing_ok=True)
    (app.directory / ".dockerignore").write_text("*\n!index.html\n")
    app.pipeline(pipeline.replace("TARGET", target))
    remote = app.directory.with_name(f"{app.directory.name}-remote.git")
    if not remote.exists():
        subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
        app.git("remote", "add", "origin", str(remote))
    app.commit("a page instead")
    app.git("push", "-q", "origin", "main")


def release(app: AppUnderTest, version: int) -> None:
    """Ship that version; it must go well."""
    write_version(app, version)
    done = app.run()
    assert done.code == 0, done.text
    assert_serves(app, version)


@dataclass(frozen=True)
class Ended:
    """How a command ended, after how many seconds."""

    code: int
    text: str
    seconds: float


def timed(app: AppUnderTest, *args: str, within: float, **environ: str) -> Ended:
    """Run a command to its end, which must come ``within`` seconds."""
    begun = time.monotonic()
    done = app.command(*args, timeout=within, **environ)
    return Ended(done.code, done.text, time.monotonic() - begun)


class Underway:
    """A run (or another ``verb``) that has been started, its output read line by line."""

    def __init__(self, app: AppUnderTest, *args: str, verb: str = "run", **environ: str) -> None:
        self.process = app.start(verb, "--output", "plain", *args, **environ)
        self.lines: list[str] = []

    def until(self, words: str) -> None:
        """Read up to a line with these words."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                return
        raise AssertionError(f"it ended without saying {words!r}:\n{''.join(self.lines)}")

    def ended(self, within: float) -> Ended:
        """Its end, which must come ``within`` seconds from now."""
        begun = time.monotonic()
        try:
            rest, _ = self.process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        text = "".join(self.lines) + rest
        return Ended(self.process.returncode, text, time.monotonic() - begun)

    def kill(self) -> None:
        """End it, if it has not ended, as by ``kill -9``."""
        self.process.kill()
        self.process.wait()


def assert_told(ended: Ended, *, cause: str, next_step: str, code: int = 4) -> None:
    """The exit code, and for a reader the cause and what to do."""
    assert ended.code == code, ended.text
    assert cause in ended.text, ended.text
    assert next_step in ended.text, ended.text
    assert "Traceback" not in ended.text, ended.text


def assert_failed_run(app: AppUnderTest, *, stage: str, code: int = 4) -> Mapping[str, Any]:
    """The newest run is in the history as failed in that stage, with cause and next step."""
    record = app.latest()
    assert (record["status"], record["exit_code"]) == ("failed", code)
    failed = [one for one in record["stages"] if one["status"] == "failed"]
    assert [one["key"] for one in failed] == [stage]
    error: Mapping[str, Any] = failed[0]["error"]
    assert error["message"]
    assert error["hint"]
    return error


def assert_serves(app: AppUnderTest, version: int, within: float = 5) -> None:
    """That version answers at the app's port, by then."""
    said: list[str] = []

    def serves() -> bool:
        try:
            said.append(app.get().text)
        except requests.RequestException as error:
            said.append(repr(error))
        return said[-1] == SAYS.format(version=version)

    assert eventually(serves, within), said[-1]


def assert_goes_on(app: AppUnderTest, engine: docker.DockerClient, version: int) -> None:
    """Now that the fault is gone, running again ships ``version``, and all is tidy."""
    again = app.run()
    assert again.code == 0, again.text
    assert_serves(app, version)
    assert_tidy(app, engine)
    assert app.latest()["status"] == "passed"


def assert_tidy(app: AppUnderTest, engine: docker.DockerClient) -> None:
    """No candidate, no temporary name; every run in the history has one final state."""
    assert candidates(engine, app.name) == []
    tags = [tag for image in engine.api.images() for tag in image["RepoTags"] or []]
    kinds = {tag.rpartition(":")[0] for tag in tags if app.name in tag}
    assert kinds <= {app.name, f"dockcycle/{app.name}-app"}, kinds
    assert_history(app)


def assert_history(app: AppUnderTest) -> None:
    runs = Store(Home(app.home)).runs(app.name, limit=1000)
    assert {run.status for run in runs} <= {"passed", "failed", "interrupted", "lost"}
    assert all(run.finished for run in runs)


def eventually(holds: Callable[[], bool], within: float) -> bool:
    """Ask until it holds; False after ``within`` seconds."""
    end = time.monotonic() + within
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
