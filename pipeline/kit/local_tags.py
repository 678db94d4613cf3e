"""Names that a build gives to its images on the engine, and how they are taken back.

A name is kept when the run succeeds. When it fails, the name goes back to the image that had it;
one that nobody had goes away, and the image with it if nothing else needs it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from pipeline.errors import EngineRefused
from pipeline.kit import labels
from pipeline.kit.undoing import Undoing
from pipeline.ports import Engine, Journal

LOCAL_TAG = "tag"
"""Kind of a journal effect; its key is the name, and the id of the image that had it before."""


@dataclass
class LocalTags:
    engine: Engine
    journal: Journal
    _given: list[str] = field(default_factory=list)
    """Keys for ``take_back_tag``, oldest first."""

    def give(self, image: str, name: str) -> None:
        """Call the image ``image`` (an id) ``name``, if it is not called so already."""
        before = self.engine.image(name)
        if before is not None and before.id == image:
            return
        key = name if before is None else f"{name} {before.id}"
        self._given.append(key)
        with self.journal.effect(LOCAL_TAG, key):
            self.engine.tag(image, name)

    def take_back(self) -> None:
        """Undo all of it, the last first. Idempotent."""
        journal = Undoing(self.journal)
        while self._given:
            with journal.effect("untag", self._given[-1]):
                take_back_tag(self.engine, self._given[-1])
            self._given.pop()

    def keep(self) -> None:
        """All names stay. Images that lost their last name to them go away, if they are the
        project's and no container needs them. Idempotent."""
        while self._given:
            _, _, before = self._given.pop().partition(" ")
            if before:
                remove_nameless(self.engine, before)


def remove_nameless(engine: Engine, image: str) -> None:
    """Remove the image ``image`` (an id) if a build of ours made it, it has no name, and no
    container is made from it."""
    found = engine.image(image)
    if found is not None and not found.tags and found.labels.get(labels.ROLE) == "image":
        with suppress(EngineRefused):
            engine.remove_image(found.id)


def take_back_tag(engine: Engine, key: str) -> None:
    """Undo a ``LOCAL_TAG``, by its key. Idempotent."""
    name, _, before = key.partition(" ")
    if before and engine.image(before) is not None:
        engine.tag(before, name)
        return
    with suppress(EngineRefused):  # a container runs from it: then it is needed, and keeps its name
        engine.untag(name)
