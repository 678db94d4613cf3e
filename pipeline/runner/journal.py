"""The journal on the store; with the numbered failpoints that tests kill the process at."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.store import Store

FAILPOINT = "DOCKCYCLE_FAILPOINT"
"""Number of the failpoint to die at, as by ``kill -9``: two per effect, before and after it."""

_crossed = itertools.count(1)


class StoreJournal:
    """Implements ``pipeline.ports.Journal`` for one stage of one run."""

    def __init__(self, store: Store, run: str, stage: str) -> None:
        self._store = store
        self._run = run
        self._stage = stage

    @contextmanager
    def effect(self, kind: str, key: str) -> Iterator[None]:
        """See ``pipeline.ports.Journal``."""
        number = self._store.effect_started(self._run, self._stage, kind, key)
        failpoint()
        yield
        failpoint()
        self._store.effect_done(number)


class Unrecorded:
    """The journal of commands that are no run: each is one idempotent step that can be repeated."""

    @contextmanager
    def effect(self, kind: str, key: str) -> Iterator[None]:
        """See ``pipeline.ports.Journal``."""
        failpoint()
        yield
        failpoint()


def failpoint() -> None:
    """Die here if this is the failpoint that was asked for."""
    wanted = os.environ.get(FAILPOINT)
    if wanted and next(_crossed) == int(wanted):
        os.kill(os.getpid(), signal.SIGKILL)
