"""Undoing must not fail for want of a place to write it down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from pipeline.errors import StoreUnusable
from pipeline.ports import Journal


class Undoing:
    """A journal for taking things back: what cannot be recorded (the disk is full, say) is taken
    back all the same."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    @contextmanager
    def effect(self, kind: str, key: str) -> Iterator[None]:
        """See ``pipeline.ports.Journal``."""
        with suppress(StoreUnusable), ExitStack() as stack:
            with suppress(StoreUnusable):
                stack.enter_context(self._journal.effect(kind, key))
            yield
