"""What a supervisor works with. No pipeline file is among it: a release says itself what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from pipeline.app.settle import settle_project
from pipeline.errors import Locked, UsageError
from pipeline.kit.labels import PROJECT, ROLE
from pipeline.kit.releases import Site
from pipeline.ports import Ports
from pipeline.runner import Masker, Unrecorded
from pipeline.scope import Scope
from pipeline.stage import Secrets
from pipeline.store import REPAIR, Home, ProjectLock, Store


@dataclass(frozen=True)
class Place:
    """A machine, its state directory, and the engine that it talks to."""

    ports: Ports
    home: Home
    environ: Mapping[str, str] = field(repr=False)
    masker: Masker = field(default_factory=Masker)

    @cached_property
    def store(self) -> Store:
        return Store(self.home)

    @cached_property
    def secrets(self) -> Secrets:
        """Those of containers that have to be made again: each from the variable of its name."""
        return Secrets(self.masker.watch(self._secret))

    def _secret(self, name: str) -> str:
        value = self.environ.get(name)
        if not value:
            raise UsageError(f"the supervisor has no variable {name}")
        return value

    def site(self, project: str, scope: Scope) -> Site:
        """The project's releases, on behalf of the supervisor."""
        return Site(
            project=project,
            ports=self.ports,
            journal=Unrecorded(),
            scope=scope,
            run="",
            client=self.home.client(),
            expand=self.secrets.expand,
            tell=_quiet,
            log=_quiet,
        )

    @property
    def engine_name(self) -> str:
        return self.ports.engine.info().name

    def projects(self) -> list[str]:
        """Those that have releases on the engine."""
        records = self.ports.engine.volumes({PROJECT: "", ROLE: "record"})
        return sorted({volume.labels[PROJECT] for volume in records})

    def busy(self, project: str) -> bool:
        """Is somebody at work on it?"""
        return ProjectLock(self.home, project).holder() is not None

    def repairing(self, project: str) -> AbstractContextManager[None]:
        """The project's lock, not waited for."""
        lock = ProjectLock(self.home, project)
        return lock.hold(REPAIR, wait=0, scope=Scope(), on_wait=lambda _holder: None)

    def settle(self, project: str, scope: Scope) -> list[str]:
        """Put right what dead runs of this machine left; lines for people.

        Raises:
            Locked: it is not dead after all, or another one goes on.
        """
        if not self.store.unsettled(project):
            return []
        with self.repairing(project):
            return settle_project(self.store, self.site(project, scope))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The engine's only supervisor on this machine.

        Raises:
            Locked: another one is at work.
        """
        engine = self.ports.engine.info()
        lock = ProjectLock(self.home, f".supervise-{engine.id}")
        try:
            with lock.hold("supervise", wait=0, scope=Scope(), on_wait=lambda _holder: None):
                yield
        except Locked:
            raise Locked(
                f"the engine {engine.name} has a supervisor: {lock.holder() or 'just starting'}",
                hint="One is enough: it keeps all projects of the engine.",
            ) from None


def _quiet(_line: str) -> None:
    """What Compose says, and what is waited for, is of no interest here."""
