"""The record of side effects outside: written down before, marked after."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Journal(Protocol):
    def effect(self, kind: str, key: str) -> AbstractContextManager[None]:
        """Record that ``kind`` (``container``, ``tag``, ``push``, ``commit`` …) is about to be done
        to ``key`` (its name), run the block, record that it was done.

        The record before is durable when the block starts, so that whatever a killed run left
        half done can be named and settled by the next start.
        """
