"""One stream of events: numbered, masked, handed to the store first and then to the renderers."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from pipeline.events import Event, Sink
from pipeline.runner.masking import Masker


class EventBus:
    """Thread-safe. The record is the one sink that must not fail; a renderer that raises is
    dropped and the run goes on."""

    def __init__(
        self, run: str, masker: Masker, *, record: Callable[[int, Event], None],
        renderers: Iterable[Sink] = (),
    ) -> None:  # fmt: skip
        self._run = run
        self._masker = masker
        self._record = record
        self._renderers = list(renderers)
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self.dropped: list[Exception] = []

    def emit(self, event: Event) -> None:
        """Stamp, mask, record and show an event.

        Raises:
            StoreUnusable: it could not be recorded.
        """
        stamped = self._masker.data(replace(event, run=self._run, at=round(time.time(), 3)))
        with self._lock:
            try:
                self._record(next(self._numbers), stamped)
            finally:  # a full disk must not also silence the terminal
                self._show(stamped)

    def _show(self, event: Event) -> None:
        for renderer in tuple(self._renderers):
            try:
                renderer(event)
            except Exception as error:  # noqa: BLE001 - a broken terminal must not break a run
                self._renderers.remove(renderer)
                self.dropped.append(error)
