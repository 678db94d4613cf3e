"""Names that a build gives, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.errors import StoreUnusable
from pipeline.kit.local_tags import LocalTags
from pipeline.scope import Scope


class Journal:
    full = False

    @contextmanager
    def effect(self, kind: str, key: str) -> Iterator[None]:
        if self.full:
            raise StoreUnusable("disk full")
        yield


def image(engine: FakeEngine, ref: str) -> str:
    engine.publish(ref)
    return engine.pull(ref, None, print, Scope(10)).id


def test_names_go_back_even_when_that_cannot_be_recorded() -> None:
    engine, journal = FakeEngine(), Journal()
    old, new = image(engine, "old:1"), image(engine, "new:1")
    engine.tag(old, "hello:latest")
    tags = LocalTags(engine, journal)
    tags.give(new, "hello:latest")
    tags.give(new, "hello:2")
    journal.full = True
    tags.take_back()
    found = engine.image("hello:latest")
    assert found is not None
    assert found.id == old
    assert engine.image("hello:2") is None
