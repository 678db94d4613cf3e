"""One commit by hand, by the Action and by a push: the records differ in trigger and times only.

All three work in a checkout at the same path, so that nothing has to be forgiven but what is named
in ``OWN``.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.engine.conftest import AppUnderTest, end, new_app
from tests.engine.test_action import step
from tests.engine.test_serve import Forge, Site

pytestmark = pytest.mark.engine

SERVE = """\
listen: 127.0.0.1:0
poll: 1h
secrets: {{HOOK: {{env: HOOK}}}}
projects:
  - {{name: {name}, repository: {origin}, secret: HOOK}}
"""
OWN = {"trigger", "id", "run", "pid", "started", "finished", "done", "seconds", "created"}
"""Of a run: what started it, its id, its process, its times."""
CANDIDATE = {"container", "port", "url"}
"""What the engine gave to the container under test: its id, and a free port."""


def test_by_hand_by_the_action_and_by_a_push(tmp_path: Path, engine: docker.DockerClient) -> None:
    source = new_app(tmp_path / "source", tmp_path / "none")
    text = (source.directory / "pipeline.yml").read_text()
    (source.directory / "pipeline.yml").write_text(
        text.replace("- track", "- track: {push: origin}")
    )
    commit = source.commit("to be shipped")
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
    source.git("remote", "add", "origin", str(origin))

    by_hand(tmp_path, source, engine)  # what the engine and its registry keep is there from now on
    records = {
        "cli": by_hand(tmp_path, source, engine),
        "github": by_action(tmp_path, source, engine),
        "webhook": by_push(tmp_path, source, engine, commit),
    }
    assert {way: record["trigger"] for way, record in records.items()} == {w: w for w in records}
    assert {record["outcome"]["commit"] for record in records.values()} == {commit}
    assert all(stage["status"] == "passed" for stage in records["cli"]["stages"])
    expected = common(records["cli"])
    assert common(records["github"]) == expected
    assert common(records["webhook"]) == expected


def common(record: dict[str, Any]) -> Any:
    """What is left of a record without what is each run's own."""
    tail = record["id"].rpartition("-")[2]
    for app in (record["artifacts"]["App"], record["stages"][3]["artifacts"][0]["value"]):
        for part in (app, *app["services"].values(), *app["services"]["app"]["endpoints"].values()):
            for key in CANDIDATE & part.keys():
                part[key] = "its own"
    return without(record, tail)


def without(value: Any, tail: str) -> Any:
    """``tail`` is the end of the run's id, which is in the names of its containers."""
    if isinstance(value, dict):
        return {key: without(inner, tail) for key, inner in value.items() if key not in OWN}
    if isinstance(value, list):
        return [without(inner, tail) for inner in value]
    return re.sub(rf"-{tail}\b", "-RUN", value) if isinstance(value, str) else value


def by_hand(folder: Path, source: AppUnderTest, engine: docker.DockerClient) -> dict[str, Any]:
    app = checked_out(folder, source)
    done = app.run()
    assert done.code == 0, done.text
    return shipped(app, engine)


def by_action(folder: Path, source: AppUnderTest, engine: docker.DockerClient) -> dict[str, Any]:
    app = checked_out(folder, source)
    done = step(app, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return shipped(app, engine)


def by_push(
    folder: Path, source: AppUnderTest, engine: docker.DockerClient, commit: str
) -> dict[str, Any]:
    app = afresh(folder, source)
    file = folder / "serve.yml"
    file.write_text(SERVE.format(name=app.name, origin=folder / "origin.git"))
    site = Site(app, folder / "origin.git", Forge(), file, engine)
    source.git("--git-dir", str(site.origin), "update-ref", "-d", "refs/heads/main")
    site.start()
    try:
        source.git("push", "-q", "origin", "main")
        assert site.deliver(commit) == 202
        site.until_jobs("passed")
    finally:
        site.kill(signal.SIGTERM)
    return shipped(app, engine)


def afresh(folder: Path, source: AppUnderTest) -> AppUnderTest:
    """The app with an empty state, where the server would check it out."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    checkout = home / "serve" / source.name / "checkout"
    return AppUnderTest(checkout, source.name, source.port, home)


def checked_out(folder: Path, source: AppUnderTest) -> AppUnderTest:
    source.git("push", "-q", "origin", "main")
    app = afresh(folder, source)
    app.directory.parent.mkdir(parents=True)
    subprocess.run(
        ["git", "clone", "-q", str(folder / "origin.git"), str(app.directory)], check=True
    )
    return app


def shipped(app: AppUnderTest, engine: docker.DockerClient) -> dict[str, Any]:
    """The record of what was run; the app is taken down."""
    record = app.latest()
    end(app, engine)
    return record
