"""The project's own checks in real containers: images, build targets, users, limits."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.adapters.docker_engine import DockerEngine
from pipeline.errors import DeadlineExceeded, Unusable
from pipeline.errors import StageFailed as Failed
from pipeline.kit.labels import PROJECT
from pipeline.ports.engine import BuildRequest
from pipeline.scope import Scope
from stages._build_bench import Listener
from tests.support.git_stages import GitStages
from tests.unit.git_sandbox import Sandbox, shield

pytestmark = pytest.mark.engine

RECIPE = """\
FROM busybox:1 AS base
COPY . /app
FROM base AS test
WORKDIR /app
ENV WHERE=target
FROM base
CMD ["true"]
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitStages]:
    engine = DockerEngine.from_environment(os.environ)  # before HOME is another one
    shield(monkeypatch, tmp_path)
    sandbox = Sandbox(tmp_path / "wörk tree")
    app = sandbox.repo()
    sandbox.write(app / "tests" / "test_app.py", "")
    sandbox.write(app / ".dockerignore", "tests\n")
    sandbox.write(app / "Dockerfile", RECIPE)
    sandbox.write(app / "check.sh", "#!/bin/sh\nid -u; pwd; ls; touch made && echo $WHERE\n")
    (app / "check.sh").chmod(0o755)
    sandbox.commit(app, "App")
    project = f"t{uuid.uuid4().hex[:8]}"
    world = GitStages(app, tmp_path / "state", engine=engine, project=project)
    yield world
    assert engine.images({PROJECT: project}) == []
    assert engine.containers({PROJECT: project}) == []
    assert sandbox.git(app, "status", "--porcelain") == ""


def output(world: GitStages, inside: str) -> list[str]:
    _, report = world.checked({"run": "./check.sh", "in": inside, "env": {"WHERE": "image"}})
    return report.checks[0].output.split("\n")


def test_in_an_image_is_the_whole_source_tests_included(world: GitStages) -> None:
    assert output(world, "busybox:1") == [
        "0", "/work", "Dockerfile", "app.py", "check.sh", "tests", "image",
    ]  # fmt: skip


def test_in_a_target_is_what_the_dockerfile_makes_of_it(world: GitStages) -> None:
    _, report = world.checked({"run": "./check.sh", "in": "test"})
    assert report.checks[0].output.split("\n") == [
        "0", "/app", "Dockerfile", "app.py", "check.sh", "target",
    ]  # fmt: skip


def test_an_image_with_a_user_of_its_own_can_write_the_source(world: GitStages) -> None:
    name = f"{world.project}:user"
    request = BuildRequest(
        context=str(world.directory), dockerfile_text="FROM busybox:1\nUSER 1234:1234\n",
        tags=(name,),
    )  # fmt: skip
    world.engine.build(request, Listener(world.context(), ""), Scope(60))
    try:
        assert output(world, name)[:2] == ["1234", "/work"]
    finally:
        world.engine.remove_image(name, force=True)


def test_a_check_that_fails_or_hangs_leaves_nothing(world: GitStages) -> None:
    with pytest.raises(Failed, match="exit code 3") as caught:
        world.checked({"run": "echo the cause; exit 3", "in": "busybox:1"})
    assert caught.value.detail == "the cause"
    with pytest.raises(DeadlineExceeded) as late:
        world.checked({"run": "echo started; sleep 60", "in": "busybox:1", "timeout": "2s"})
    assert late.value.detail == "started"


def test_an_image_that_cannot_be_had_is_named(world: GitStages) -> None:
    with pytest.raises((Failed, Unusable), match="no-such-image-at-all"):
        world.checked({"run": "true", "in": "no-such-image-at-all:1"})
