"""What the pages are made from, and what may be done from them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.registry import Collector
from starlette.requests import Request

from pipeline.errors import NotFound
from pipeline.server.pages.door import Door
from pipeline.server.pages.health import Health
from pipeline.store import RunRecord, Store


@dataclass(frozen=True)
class Listed:
    """A project that the server shows; ``repository`` is without credentials."""

    name: str
    repository: str = ""
    branches: tuple[str, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """Something that is asked for and has not begun. ``created`` is a Unix time."""

    id: int
    what: str
    created: float


class Actions(Protocol):
    """What a person may ask for. Each returns when it is taken down, not when it is done, and
    raises ``DockcycleError`` if it cannot be."""

    def run(self, project: str, branch: str = "") -> None:
        """Run the pipeline on the newest commit of a branch, or of what was run last."""

    def roll_back(self, project: str, release: str) -> None:
        """Bring a kept release back."""

    def cancel(self, project: str, run: str) -> None:
        """End a run that is under way, cleanly."""

    def waiting(self, project: str) -> Sequence[Waiting]:
        """What has not begun yet, the oldest first."""


@dataclass
class Board:
    """Everything that a page may look at or set off."""

    store: Store
    projects: Mapping[str, Listed]
    health: Health
    door: Door
    actions: Actions
    clock: Callable[[], float] = time.time
    url: str = ""
    """Where people find the server."""
    collectors: Sequence[Collector] = ()
    """Further numbers for Prometheus."""

    def project(self, name: str) -> Listed:
        """Raises ``NotFound`` when it is not among those that are shown."""
        try:
            return self.projects[name]
        except KeyError:
            raise NotFound(f"there is no project {name!r} here") from None

    def run(self, project: str, name: str) -> RunRecord:
        """A run of a project that is shown, by its whole id or ``latest``.

        Raises:
            NotFound: there is none.
        """
        self.project(project)
        found = self.store.run(name, project)
        if found.project != project or name not in (found.id, "latest"):
            raise NotFound(f"{project} has no run {name!r}")
        return found


def board_of(request: Request) -> Board:
    """The board of the application that a request came to."""
    found: Board = request.app.state.board
    return found
