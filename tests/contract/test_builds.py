"""Building."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import Cancelled
from pipeline.ports.engine import BuildRequest
from tests.contract.world import IMAGE, Recorder, World


def request(world: World, context: Path, **more: object) -> BuildRequest:
    fields = {
        "context": str(context), "dockerfile_text": f"FROM {IMAGE}\nCOPY file /\n",
        "tags": (world.ref(),), "labels": world.labels,
    }  # fmt: skip
    return BuildRequest.model_validate(fields | more)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("content")
    return tmp_path


def test_a_build_gives_an_image_with_names_and_labels(world: World, context: Path) -> None:
    recorder = Recorder()
    built = world.engine.build(request(world, context), recorder, world.scope(60))
    assert built.tags == (world.ref(),)
    assert built.labels["contract"] == world.id
    assert world.engine.image(world.ref()) == built
    ended = {step.state for step in recorder.steps}
    assert ended & {"done", "cached"}


def test_the_same_build_gives_the_same_image(world: World, context: Path) -> None:
    first = world.engine.build(request(world, context), Recorder(), world.scope(60))
    second = world.engine.build(request(world, context), Recorder(), world.scope(60))
    assert first == second
    (context / "file").write_text("other content")
    third = world.engine.build(request(world, context), Recorder(), world.scope(60))
    assert third.id != first.id
    assert third.tags == (world.ref(),)


def test_nothing_is_built_after_the_scope(world: World, context: Path) -> None:
    scope = world.scope()
    scope.cancel()
    with pytest.raises(Cancelled):
        world.engine.build(request(world, context), Recorder(), scope)
    assert world.engine.image(world.ref()) is None


def test_a_check_builds_nothing_and_may_know_nothing(world: World, context: Path) -> None:
    """None of a builder before checks came up, which is a fair answer."""
    found = world.engine.check(request(world, context), world.scope(60))
    assert found in (None, [])
    assert world.engine.image(world.ref()) is None
