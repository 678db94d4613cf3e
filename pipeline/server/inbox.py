"""Taking deliveries in: many at once are one write to the disk, and nobody waits on the event loop.

A sender hears that its delivery was accepted only after that write.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from pipeline.errors import StoreUnusable
from pipeline.server.queue import Delivery, Receipt

AT_ONCE = 256
"""Deliveries in one write."""
WAITING = 4096
"""Deliveries that may wait for theirs; more are refused."""

Keep = Callable[[Sequence[Delivery]], list[Receipt]]
_Item = tuple[Delivery, "Future[Receipt]"]


class Inbox:
    """A thread that keeps deliveries with ``keep`` and then calls ``arrived`` with the names of
    their projects."""

    def __init__(self, keep: Keep, arrived: Callable[[set[str]], None]) -> None:
        self._keep = keep
        self._arrived = arrived
        self._items: queue.Queue[_Item | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._work, name="inbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Keep what is there, and end."""
        self._items.put(None)
        self._thread.join(30)

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def put(self, delivery: Delivery) -> Future[Receipt]:
        """Hand a delivery in; the future has its receipt, or ``StoreUnusable``.

        Raises:
            StoreUnusable: too many wait already.
        """
        future: Future[Receipt] = Future()
        try:
            self._items.put_nowait((delivery, future))
        except queue.Full:
            raise StoreUnusable("too many deliveries at once") from None
        return future

    def _work(self) -> None:
        more = True
        while more:
            batch, more = self._next()
            if batch:
                self._deliver(batch)

    def _next(self) -> tuple[list[_Item], bool]:
        """Those that are there, at least one; and whether more may come."""
        batch: list[_Item] = []
        item = self._items.get()
        while item is not None:
            batch.append(item)
            if len(batch) == AT_ONCE:
                return batch, True
            try:
                item = self._items.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _deliver(self, batch: list[_Item]) -> None:
        try:
            receipts = self._keep([delivery for delivery, _ in batch])
        except Exception as error:  # noqa: BLE001 - those who wait are told; the next ones are not hit
            for _, future in batch:
                future.set_exception(error)
            return
        for (_, future), receipt in zip(batch, receipts, strict=True):
            future.set_result(receipt)
        self._arrived({delivery.project for delivery, _ in batch})
