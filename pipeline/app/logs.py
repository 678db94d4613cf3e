"""What the app prints, of several containers at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pipeline.app.live import site_of
from pipeline.app.status import COMPOSE_SERVICE, serving_containers
from pipeline.app.workspace import Workspace
from pipeline.artifacts import SINGLE
from pipeline.errors import DockcycleError, NotFound, UsageError
from pipeline.kit.labels import SERVICE
from pipeline.kit.names import did_you_mean
from pipeline.ports import Engine
from pipeline.ports.engine import ContainerInfo
from pipeline.scope import Scope

TICK = 0.2
"""Seconds between two looks of a reader, who has nothing to read, at the end of the scope."""


@dataclass(frozen=True)
class Wanted:
    """Which lines: ``tail`` of each container (None: all), ``since`` a Unix time."""

    tail: int | None = None
    since: float | None = None
    follow: bool = False


def chosen(workspace: Workspace, names: Collection[str]) -> list[tuple[str, ContainerInfo]]:
    """The containers that serve, with their services; of these ``names``, or all.

    Raises:
        NotFound: nothing serves, or there is no service of that name.
    """
    current = site_of(workspace).ledger.current()
    found = [(service_of(c), c) for c in serving_containers(workspace, current)]
    if not found:
        raise NotFound(
            f"nothing of {workspace.head.name} is on this engine",
            hint="`dockcycle run` brings it there; `dockcycle show --log` has the last run's log.",
        )
    services = sorted({service for service, _ in found})
    for name in names:
        if name not in services:
            raise NotFound(f"there is no service {name!r}", hint=did_you_mean(name, services))
    return [pair for pair in found if not names or pair[0] in names]


def log_lines(
    engine: Engine, containers: Sequence[tuple[str, ContainerInfo]], wanted: Wanted, scope: Scope
) -> Iterator[tuple[str, str]]:
    """(service, line), raw. Following ends when all containers have ended, or with the scope."""
    if not wanted.follow or len(containers) == 1:
        for service, container in containers:
            for line in _lines(engine, container, wanted, scope):
                yield service, line
        return
    together = scope.child()
    try:
        yield from _Together(engine, wanted, together).read(containers)
    finally:
        together.cancel()  # when one ends with an error, or nobody reads on


def masking(workspace: Workspace) -> Callable[[str], str]:
    """A function that hides the values of all declared secrets that can be read here: an app may
    print what it was given."""
    for name in workspace.secrets.names:
        with suppress(UsageError):
            workspace.secrets.get(name)
    return workspace.masker.text


def service_of(container: ContainerInfo) -> str:
    return container.labels.get(COMPOSE_SERVICE) or container.labels.get(SERVICE) or SINGLE


def _lines(engine: Engine, container: ContainerInfo, wanted: Wanted, scope: Scope) -> Iterator[str]:
    return engine.logs(
        container.id, tail=wanted.tail, follow=wanted.follow, since=wanted.since, scope=scope
    )


class _Together:
    """Follows several containers, each in a thread of its own."""

    def __init__(self, engine: Engine, wanted: Wanted, scope: Scope) -> None:
        self._engine = engine
        self._wanted = wanted
        self._scope = scope
        self._lines: queue.Queue[tuple[str, str] | DockcycleError | None] = queue.Queue(1000)

    def read(self, containers: Sequence[tuple[str, ContainerInfo]]) -> Iterator[tuple[str, str]]:
        for pair in containers:
            threading.Thread(target=self._follow, args=pair, daemon=True).start()
        running = len(containers)
        while running:
            item = self._next()
            if isinstance(item, DockcycleError):
                raise item
            if item is None:
                running -= 1
            else:
                yield item

    def _next(self) -> tuple[str, str] | DockcycleError | None:
        while True:
            self._scope.check()
            try:
                return self._lines.get(timeout=TICK)
            except queue.Empty:
                continue

    def _follow(self, service: str, container: ContainerInfo) -> None:
        try:
            for line in _lines(self._engine, container, self._wanted, self._scope):
                self._lines.put((service, line))
            self._lines.put(None)
        except DockcycleError as error:
            self._lines.put(error)
