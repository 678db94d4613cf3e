from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.errors import StageFailed, StoreUnusable
from pipeline.kit.undoing import Undoing


class Journal:
    """Fails before the block, after it, or not at all."""

    def __init__(self, full: str = "") -> None:
        self.full = full
        self.noted: list[str] = []

    @contextmanager
    def effect(self, kind: str, key: str) -> Iterator[None]:
        if self.full == "before":
            raise StoreUnusable("disk full")
        yield
        if self.full == "after":
            raise StoreUnusable("disk full")
        self.noted.append(f"{kind} {key}")


@pytest.mark.parametrize("full", ["before", "after"])
def test_what_cannot_be_recorded_is_done_all_the_same(full: str) -> None:
    done = []
    with Undoing(Journal(full)).effect("remove", "it"):
        done.append("it")
    assert done == ["it"]


def test_what_can_be_recorded_is() -> None:
    journal = Journal()
    with Undoing(journal).effect("remove", "it"):
        assert journal.noted == []
    assert journal.noted == ["remove it"]


@pytest.mark.parametrize("full", ["", "before", "after"])
def test_a_failure_of_the_work_itself_is_told(full: str) -> None:
    with pytest.raises(StageFailed, match="no"), Undoing(Journal(full)).effect("remove", "it"):
        raise StageFailed("no")
