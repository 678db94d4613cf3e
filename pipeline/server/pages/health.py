"""What is live: asked of the engine every few seconds at most, and never waited for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from pipeline.app.status import Status, look
from pipeline.artifacts import Release
from pipeline.errors import DockcycleError
from pipeline.kit.releases import Ledger
from pipeline.ports import Engine
from pipeline.store import Home, ProjectLock

FRESH = 3.0
"""Seconds for which an answer is good."""
PATIENCE = 2.0
"""Seconds that a page waits for the engine."""
AT_ONCE = 8
"""Questions under way; a frozen engine holds no more threads than that."""


@dataclass(frozen=True)
class Standing:
    """How a project stands. ``problem`` says why the engine's word is missing or old."""

    status: Status | None = None
    releases: tuple[Release, ...] = ()
    """Those that can come back, the live one among them, newest first."""
    problem: str = ""

    @property
    def state(self) -> str:
        return self.status.state if self.status and not self.problem else "unknown"

    @property
    def sick(self) -> int:
        """How many services are not well."""
        services = self.status.services if self.status else ()
        return sum(s.health == "unhealthy" or bool(s.drift) for s in services)


Ask = Callable[[str], Standing]


def engine_asker(engine: Callable[[], Engine], home: Home) -> Ask:
    """Asks the engine itself. ``engine`` is called in the asking thread."""

    def ask(project: str) -> Standing:
        try:
            found = engine()
            status = look(project, found, ProjectLock(home, project))
            return Standing(status, tuple(Ledger(found, project).releases()))
        except DockcycleError as error:
            return Standing(problem=error.message)

    return ask


class Health:
    """The latest answers, by project. For one event loop."""

    def __init__(self, ask: Ask, *, fresh: float = FRESH, patience: float = PATIENCE) -> None:
        self._ask = ask
        self._fresh = fresh
        self._patience = patience
        self._known: dict[str, tuple[float, Standing]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="health")

    async def of(self, project: str) -> Standing:
        """The answer, if it comes soon; else the last one, marked as old."""
        at, known = self._known.get(project, (0.0, Standing()))
        if at and time.monotonic() - at < self._fresh:
            return known
        task = self._asking.get(project)
        if task is None:
            task = asyncio.create_task(self._update(project))
            self._asking[project] = task
        await asyncio.wait({task}, timeout=self._patience)
        if task.done():
            task.result()
            return self._known[project][1]
        return replace(known, problem="the Docker engine does not answer")

    async def all(self, projects: list[str]) -> dict[str, Standing]:
        """Of several at once."""
        found = await asyncio.gather(*(self.of(project) for project in projects))
        return dict(zip(projects, found, strict=True))

    def forget(self, project: str) -> None:
        """Something was done to it: ask anew."""
        self._known.pop(project, None)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _update(self, project: str) -> None:
        try:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._pool, self._ask, project)
            self._known[project] = (time.monotonic(), found)
        finally:
            del self._asking[project]
