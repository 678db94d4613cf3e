"""Requests on keep-alive connections, a bounded number of them in a bounded time, all of them
accounted for."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

LONGEST = 60.0
"""Seconds that a client waits for one answer."""


@dataclass
class Load:
    """What clients of one port were answered."""

    answers: Counter[str] = field(default_factory=Counter)
    """Body of each good answer → how often it came."""
    failures: list[str] = field(default_factory=list)
    """Refused, reset, cut short, or with another status than 200."""
    seconds: float = 0.0
    slowest: float = 0.0

    @property
    def requests(self) -> int:
        return sum(self.answers.values()) + len(self.failures)

    def add(self, answer: str, seconds: float, lock: threading.Lock) -> None:
        with lock:
            self.answers[answer] += 1
            self.slowest = max(self.slowest, seconds)


@contextmanager
def load(
    port: int, *, clients: int = 6, pause: float = 0.02, slow: Sequence[str] = (),
    at_most: float = 300.0, host: str = "127.0.0.1",
    connect: Callable[[], http.client.HTTPConnection] | None = None,
) -> Iterator[Load]:  # fmt: skip
    """Ask all the while, on one keep-alive connection for each client and each path of ``slow``.

    A client pauses between two requests; it ends with the block, or after ``at_most`` seconds.
    ``connect`` makes other connections than plain ones to the port.
    """
    found, over, lock = Load(), threading.Event(), threading.Lock()
    begun = time.monotonic()

    def plain() -> http.client.HTTPConnection:
        return http.client.HTTPConnection(host, port, timeout=LONGEST)

    def ask(path: str, rest: float) -> None:
        connection = connect() if connect else plain()
        while not over.wait(rest) and time.monotonic() - begun < at_most:
            sent = time.monotonic()
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                text = response.read().decode(errors="replace").strip()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                with lock:
                    found.failures.append(
                        f"{path}: {error!r} after {time.monotonic() - sent:.2f} s"
                    )
                continue
            if response.status == 200:
                found.add(text, time.monotonic() - sent, lock)
            else:
                with lock:
                    found.failures.append(f"{path}: {response.status} {text[:80]}")
        connection.close()

    paths = [("/", pause)] * clients + [(path, 0.01) for path in slow]
    threads = [threading.Thread(target=ask, args=pair) for pair in paths]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        over.set()
        for thread in threads:
            thread.join()
        found.seconds = time.monotonic() - begun
