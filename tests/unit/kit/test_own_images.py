"""Images of ours, and those that only look like them."""

from __future__ import annotations

import pytest

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.kit.labels import labels
from pipeline.kit.own_images import own_images, remove_own
from pipeline.ports.engine import BuildRequest, ContainerSpec
from pipeline.scope import Scope
from tests.unit.kit.releases.site import EMPTY, Quiet


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


def build(engine: FakeEngine, *names: str, service: str = "app") -> str:
    """An image with the labels of the project hello, by a build of its own or by inheritance."""
    request = BuildRequest(
        context=EMPTY, dockerfile_text=f"FROM scratch\nENV NAMES={'-'.join(names)}\n", tags=names,
        labels=labels("hello", "image", service=service),
    )  # fmt: skip
    return engine.build(request, Quiet(), Scope(10)).id


def remove_all(engine: FakeEngine) -> set[str]:
    """Names that are left."""
    for image in own_images(engine, "hello"):
        remove_own(engine, image, "hello")
    return {name for image in engine.images({}) for name in image.tags}


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("app", "hello:1.0"), ("app", "dockcycle/hello-app:r1"), ("app", "dockcycle/kept:abc"),
        ("web", "hello-web:1.0"), ("web", "dockcycle/hello-web:r1"),
    ],
)  # fmt: skip
def test_names_that_dockcycle_gives(engine: FakeEngine, service: str, name: str) -> None:
    build(engine, name, service=service)
    assert remove_all(engine) == set()
    assert engine.images({}) == []


@pytest.mark.parametrize("name", [
    "stranger:1", "hello2:1.0", "hello-web:1.0", "acme/hello:1.0", "dockcycle/hello2-app:r1",
])  # fmt: skip
def test_one_that_was_built_from_ours_is_not_ours(engine: FakeEngine, name: str) -> None:
    image = build(engine, name)
    assert remove_all(engine) == {name}
    assert engine.image(image) is not None


def test_names_that_the_user_gave_stay_and_keep_the_image(engine: FakeEngine) -> None:
    image = build(engine, "hello:1.0", "keepsake:1")
    assert remove_all(engine) == {"keepsake:1"}
    assert engine.image(image) is not None


def test_without_a_name_the_labels_decide(engine: FakeEngine) -> None:
    build(engine)
    remove_all(engine)
    assert engine.images({}) == []


def test_what_somebody_runs_keeps_its_last_name(engine: FakeEngine) -> None:
    image = build(engine, "hello:1.0")
    engine.start(engine.create(ContainerSpec(image=image, name="by-hand")))
    assert remove_all(engine) == {"hello:1.0"}
