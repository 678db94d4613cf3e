"""Names that a killed run left on images are settled by their journal keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.errors import StoreUnusable
from pipeline.kit.pushing import TemporaryTags
from pipeline.kit.sweep import drop_temporary_tag, sweep
from pipeline.scope import Scope
from tests.support.stage_context import ListJournal


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine()
    made.registries["reg.example"] = None
    return made


def built(engine: FakeEngine, ref: str) -> str:
    image = engine.publish(ref)
    engine.pull(ref, None, lambda line: None, Scope())
    return image


class DyingJournal(ListJournal):
    """Ends the process, so to speak, when the effect has been done."""

    @contextmanager
    def effect(self, kind: str, key: str) -> Iterator[None]:
        with super().effect(kind, key):
            yield
        raise Killed


class Killed(BaseException):
    """As by kill -9."""


def killed_while_named(engine: FakeEngine, image: str, name: str) -> list[str]:
    """What the journal knows when the process dies with the name on the image."""
    journal = DyingJournal()
    tags = TemporaryTags(engine, journal)
    # A killed process runs no handler.
    with patch.object(tags, "_drop"), pytest.raises(Killed), tags.on(image, name):
        pytest.fail("it should have died before")
    return [key for _, key in journal.begun]


def test_a_name_is_dropped(engine: FakeEngine) -> None:
    image = built(engine, "app:built")
    engine.tag(image, "reg.example/a:1")
    drop_temporary_tag(engine, "reg.example/a:1")
    found = engine.image(image)
    assert found is not None and found.tags == ("app:built",)


def test_a_name_that_is_gone_is_no_error(engine: FakeEngine) -> None:
    drop_temporary_tag(engine, "reg.example/a:1")
    assert engine.state.tags == {}


def test_the_last_name_does_not_take_the_image_along(engine: FakeEngine) -> None:
    image = built(engine, "reg.example/a:1")
    drop_temporary_tag(engine, "reg.example/a:1")
    found = engine.image(image)
    assert found is not None and found.tags == (f"dockcycle/kept:{image[7:19]}",)


def test_a_moved_name_goes_back(engine: FakeEngine) -> None:
    mine, theirs = built(engine, "app:built"), built(engine, "older:1")
    engine.tag(mine, "reg.example/a:1")
    drop_temporary_tag(engine, f"reg.example/a:1 {theirs}")
    found = engine.image("reg.example/a:1")
    assert found is not None and found.id == theirs


def test_a_moved_name_whose_image_is_gone_is_dropped(engine: FakeEngine) -> None:
    engine.tag(built(engine, "app:built"), "reg.example/a:1")
    drop_temporary_tag(engine, "reg.example/a:1 sha256:" + "9" * 64)
    assert engine.image("reg.example/a:1") is None


def test_the_sweep_after_a_killed_run_restores_all_names(engine: FakeEngine) -> None:
    mine, theirs = built(engine, "app:built"), built(engine, "older:1")
    engine.tag(theirs, "reg.example/b:1")
    before = dict(engine.state.tags)
    keys = killed_while_named(engine, mine, "reg.example/a:1")
    keys += killed_while_named(engine, mine, "reg.example/b:1")
    assert engine.state.tags != before
    sweep(engine, "hello", client=None, tags=keys)
    assert engine.state.tags == before
    sweep(engine, "hello", client=None, tags=keys)
    assert engine.state.tags == before


def test_a_name_whose_giving_could_not_be_recorded_is_dropped(engine: FakeEngine) -> None:
    class Full(ListJournal):
        @contextmanager
        def effect(self, kind: str, key: str) -> Iterator[None]:
            with super().effect(kind, key):
                yield
            raise StoreUnusable("disk full")

    image = built(engine, "app:built")
    tags = TemporaryTags(engine, Full())
    with pytest.raises(StoreUnusable), tags.on(image, "reg.example/a:1"):
        pytest.fail("it is not on record")
    assert set(engine.state.tags) == {"app:built"}
