"""What the next run does about a run that was killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pytest

from pipeline.app.settle import settle
from pipeline.app.workspace import Request, Workspace
from pipeline.errors import PortTaken
from pipeline.kit.local_tags import LOCAL_TAG
from pipeline.kit.releases import golive
from pipeline.kit.releases.images import protecting_tag
from pipeline.kit.sweep import TEMPORARY_TAG
from pipeline.scope import Scope
from pipeline.store import Store
from tests.unit.kit.releases.site import Journal, Killed, Yard


@dataclass
class RecordingJournal(Journal):
    """Also records the effects, as a run does."""

    store: Store = field(kw_only=True)
    run: str = field(kw_only=True)

    @contextmanager
    def effect(self, kind: str, key: str) -> Iterator[None]:
        number = self.store.effect_started(self.run, "operate", kind, key)
        with super().effect(kind, key):
            yield
        self.store.effect_done(number)


@dataclass
class Place:
    yard: Yard
    workspace: Workspace

    def killed_release(self, run: str, number: int, version: str, *, effects: int) -> None:
        """A run that gave its image a name and died after that many effects of going live."""
        store = self.workspace.store
        store.begin(run, "hello", "pipeline.yml", "cli", os.getpid(), ())
        image = self.yard.image(version)
        store.effect_started(run, "build", LOCAL_TAG, f"hello:{version}")
        self.yard.journal = RecordingJournal(die_at=2 * effects, store=store, run=run)
        # A killed process runs no handler, so it gives nothing back either.
        with patch.object(golive, "_give_back"), pytest.raises(Killed):
            self.yard.live(self.yard.release(number, image).model_copy(update={"run": run}))
        self.yard = self.yard.reborn()

    @property
    def tags(self) -> set[str]:
        return {tag for image in self.yard.engine.images({}) for tag in image.tags}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "pipeline.yml").write_text("version: 1\nname: hello\n")
    yard = Yard()
    request = Request(tmp_path, {"DOCKCYCLE_HOME": str(tmp_path / "home")})
    return Place(yard, Workspace(request, ports=yard.site.ports))


EFFECTS_BEFORE_LIVE = 3
"""Name, container, start; the fourth is the entry in the ledger."""


def test_a_release_that_came_into_force_keeps_its_names(place: Place) -> None:
    place.killed_release("run1", 1, "one", effects=EFFECTS_BEFORE_LIVE + 1)
    settle(place.workspace, Scope(10))
    (release,) = place.yard.ledger.releases()
    assert place.tags == {"hello:one", protecting_tag(release, "app")}
    assert place.yard.serving() == ["hello-r1"]
    assert place.workspace.store.run("run1").status == "lost"


@pytest.mark.parametrize("effects", range(1, EFFECTS_BEFORE_LIVE + 1))
def test_nothing_is_left_of_one_that_did_not(place: Place, effects: int) -> None:
    place.killed_release("run1", 1, "one", effects=effects)
    told = settle(place.workspace, Scope(10))
    assert place.tags == set()
    assert place.yard.engine.images({}) == []
    assert place.yard.containers() == []
    assert told[0] == "run run1 died; settling what it left"
    assert settle(place.workspace, Scope(10)) == []


def test_a_live_release_that_does_not_come_back_keeps_no_run_from_mending_it(place: Place) -> None:
    place.killed_release("run1", 1, "one", effects=EFFECTS_BEFORE_LIVE + 1)
    place.yard.engine.stop("hello-r1")
    place.yard.engine.fail("start", PortTaken("port 8000 is in use"))
    told = settle(place.workspace, Scope(10))
    assert "the live release does not come back: port 8000 is in use" in told
    assert place.workspace.store.run("run1").status == "lost"


def test_a_run_that_could_not_tidy_up_is_settled_too(place: Place) -> None:
    store = place.workspace.store
    store.begin("run1", "hello", "pipeline.yml", "cli", os.getpid(), ())
    image, engine = place.yard.image("one"), place.yard.engine
    for stage in ("push", "other"):
        store.effect_started("run1", stage, TEMPORARY_TAG, f"reg.example/hello:{stage}")
        engine.tag(image, f"reg.example/hello:{stage}")
    store.untidy("run1", "push")
    store.finish("run1", "failed", 4, {})

    told = settle(place.workspace, Scope(10))
    assert told[0] == "run run1 could not tidy up; settling what it left"
    assert place.tags == {"hello:one", "reg.example/hello:other"}
    assert store.run("run1").status == "failed"
    assert settle(place.workspace, Scope(10)) == []
