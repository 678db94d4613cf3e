"""What only a real builder can show: instructions that fail, mounts, ignore rules."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from pipeline.adapters.docker import builds
from pipeline.errors import Cancelled, DeadlineExceeded, NotFound, RegistryDenied, StageFailed
from pipeline.ports.engine import BuildRequest
from tests.contract.world import IMAGE, Recorder, World, real_world

pytestmark = pytest.mark.engine
SECRET = "s3cr3t-6f1d2c"


@pytest.fixture
def world() -> Iterator[World]:
    made = real_world()
    yield made
    made.clean()


@pytest.fixture
def without_buildx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "find_plugin", lambda name, config: None)


@pytest.fixture(params=["buildx", "engine"])
def builder(request: pytest.FixtureRequest) -> str:
    """Both ways to build."""
    if request.param == "engine":
        request.getfixturevalue("without_buildx")
    return str(request.param)


def build(world: World, context: Path, lines: str, **more: object) -> Recorder:
    """``lines`` follow ``FROM``; some of them have ``{id}``, so that no cache knows them."""
    text = f"FROM {IMAGE}\n" + lines.replace("{id}", world.id)
    fields = {
        "context": str(context), "dockerfile_text": text, "tags": (world.ref(),),
        "labels": world.labels, "dockerfile_name": "/app/Dockerfile",
    }  # fmt: skip
    recorder = Recorder()
    request = BuildRequest.model_validate(fields | more)
    world.engine.build(request, recorder, world.scope(60))
    return recorder


def test_a_failing_instruction_is_shown_with_line_and_output(
    world: World, builder: str, tmp_path: Path
) -> None:
    lines = "\n# a comment\nRUN echo {id} && \\\n  echo bad >&2 && exit 3\n"
    with pytest.raises(StageFailed) as caught:
        build(world, tmp_path, lines)
    error = caught.value
    assert error.message.startswith("RUN echo")
    assert error.message.endswith("failed: exit code 3")
    assert set(error.detail.splitlines()) == {world.id, "bad"}
    assert error.where is not None
    assert (error.where.file, error.where.line) == ("/app/Dockerfile", 4)
    assert world.engine.image(world.ref()) is None


def test_a_mistake_in_the_dockerfile_has_its_line(
    world: World, builder: str, tmp_path: Path
) -> None:
    with pytest.raises(StageFailed, match="unknown instruction: RUNN") as caught:
        build(world, tmp_path, "RUNN true\n")
    assert caught.value.where is not None
    assert caught.value.where.line == 2


def test_a_file_that_is_not_there_points_at_the_ignore_rules(
    world: World, builder: str, tmp_path: Path
) -> None:
    with pytest.raises(StageFailed, match=r"COPY missing /x failed: .*not found") as caught:
        build(world, tmp_path, "COPY missing /x\n")
    assert ".dockerignore" in caught.value.hint


def test_a_base_image_that_is_not_there(world: World, builder: str, tmp_path: Path) -> None:
    ref = f"{os.environ['DOCKCYCLE_LAB_HUB']}/no/such:1"
    with pytest.raises(NotFound) as caught:
        build(world, tmp_path, "", dockerfile_text=f"FROM {ref}\n")
    assert caught.value.message.endswith(f"has no {ref}")


def test_a_base_image_behind_a_password(world: World, tmp_path: Path) -> None:
    text = f"FROM {world.registry}/no/such:1\n"
    with pytest.raises(RegistryDenied) as caught:
        build(world, tmp_path, "", dockerfile_text=text)
    assert caught.value.where is not None


def test_output_and_steps_are_heard_as_they_come(
    world: World, builder: str, tmp_path: Path
) -> None:
    heard = build(world, tmp_path, "ARG WHO\nRUN echo {id} $WHO\n", args={"WHO": "you"})
    assert f"{world.id} you" in [text for _, text in heard.lines]
    done = [step for step in heard.steps if "RUN echo" in step.name]
    assert [step.state for step in done] == ["started", "done"]
    again = build(world, tmp_path, "ARG WHO\nRUN echo {id} $WHO\n", args={"WHO": "you"})
    assert "cached" in [step.state for step in again.steps if "RUN echo" in step.name]
    assert (len(heard.notices) > 0) == (builder == "engine")


@pytest.mark.parametrize(
    ("rules", "seen"),
    [
        (None, {".dockerignore", "a", "b"}),
        ("b\n", {".dockerignore", "a", "c"}),
        ("", {".dockerignore", "a", "b", "c"}),
    ],
)
def test_the_ignore_rules_in_force(
    world: World, builder: str, tmp_path: Path, rules: str | None, seen: set[str]
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    (tmp_path / ".dockerignore").write_text("c\n")
    lines = "COPY . /context\nRUN echo {id}; ls -A /context\n"
    heard = build(world, tmp_path, lines, ignore_text=rules)
    found = {text for step, text in heard.lines if "RUN" in step} - {world.id}
    assert found - {"Dockerfile"} == seen  # without buildx it is a part of the context


def test_a_secret_is_mounted_and_is_nowhere_else(world: World, tmp_path: Path) -> None:
    lines = "RUN --mount=type=secret,id=token wc -c < /run/secrets/token; echo {id}\n"
    heard = build(world, tmp_path, lines, secrets={"token": SECRET})
    assert str(len(SECRET)) in [text for _, text in heard.lines]
    client = docker.from_env()
    image = client.images.get(world.ref())
    assert SECRET not in str(image.history()) + str(image.attrs)
    for chunk in image.save():
        assert SECRET.encode() not in chunk
    client.close()


def test_without_buildx_a_secret_cannot_be_mounted(
    world: World, without_buildx: None, tmp_path: Path
) -> None:
    with pytest.raises(StageFailed, match="needs secret mounts") as caught:
        build(world, tmp_path, "RUN true\n", secrets={"token": SECRET})
    assert "buildx" in caught.value.hint


def test_several_platforms_need_another_image_store(world: World, tmp_path: Path) -> None:
    if world.engine.info().containerd_store:
        pytest.fail("the lab's engine is expected to have the classic image store")
    with pytest.raises(StageFailed, match="one platform per image") as caught:
        build(world, tmp_path, "RUN true\n", platforms=("linux/amd64", "linux/arm64"))
    assert "containerd" in caught.value.hint


def test_a_build_ends_with_its_scope(world: World, builder: str, tmp_path: Path) -> None:
    text = f"FROM {IMAGE}\nRUN echo {world.id}; sleep 100\n"
    request = BuildRequest(context=str(tmp_path), dockerfile_text=text)
    before = time.monotonic()
    with pytest.raises((DeadlineExceeded, Cancelled)):
        world.engine.build(request, Recorder(), world.scope(3))
    assert time.monotonic() - before < 15
