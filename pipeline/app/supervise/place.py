"""What a supervisor works with. No pipeline file is among it: a release says itself what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.app.settle import settle_project
from pipeline.errors import Locked, UsageError
from pipeline.kit import reach
from pipeline.kit.labels import PROJECT, ROLE
from pipeline.kit.lease import Lease
from pipeline.kit.notifying import Hook, Message, Sender, read
from pipeline.kit.releases import Site
from pipeline.kit.supervision import Happening
from pipeline.kit.supervision.box import SELF, box
from pipeline.ports import Ports
from pipeline.runner import Masker, Unrecorded
from pipeline.scope import Scope
from pipeline.stage import Secrets
from pipeline.store import REPAIR, Home, ProjectLock, Store

if TYPE_CHECKING:
    from pipeline.config import SecretSource

NOTIFY_SECONDS = 20.0
"""For all that are told of one happening."""


@dataclass(frozen=True)
class _Declared:
    """A secret, as ``secret_loader`` wants it declared."""

    secrets: Mapping[str, SecretSource]
    variables: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Place:
    """A machine, its state directory, and the engine that it talks to."""

    ports: Ports
    home: Home
    environ: Mapping[str, str] = field(repr=False)
    masker: Masker = field(default_factory=Masker)
    _leases: dict[str, Lease] = field(default_factory=dict, init=False, repr=False)

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

    def notify(self, happening: Happening) -> list[str]:
        """Tell those whom the project's last run named; what did not work, in words."""
        if happening.kind not in ("degraded", "recovered"):
            return []
        engine, scope = self.ports.engine, Scope(NOTIFY_SECONDS, what="notifying")
        # Who may write on an engine may do what he likes on its machine, but on no other.
        here = not reach.machine(engine.info().address)
        left = read(engine, happening.project)
        hooks = [hook for hook in left if here or not (hook.command or hook.file)]
        message = Message(
            event=happening.kind,
            text=_text(happening),
            project=happening.project,
            service=happening.service,
            release=happening.release,
            reason=happening.message,
            at=round(happening.at, 3),
        )
        sender = Sender(self.ports.outside, self.ports.shell, self.ports.clock, self._address)
        return sender.send(hooks, message, scope)

    def _address(self, hook: Hook) -> str:
        """Of a webhook; a secret one is read here, from where the pipeline file says it is."""
        if not hook.secret:
            self.masker.add(hook.url)
            return hook.url
        from pipeline.config import SecretSource, secret_loader  # rarely needed, and large

        source = SecretSource(hook.secret, hook.env or None, Path(hook.file) if hook.file else None)
        load = secret_loader(_Declared({hook.secret: source}, self.environ))
        return self.masker.watch(load)(hook.secret)

    def projects(self) -> list[str]:
        """Those that have releases on the engine."""
        records = self.ports.engine.volumes({PROJECT: "", ROLE: "record"})
        return sorted({volume.labels[PROJECT] for volume in records})

    def busy(self, project: str) -> bool:
        """Is somebody at work on it, on this machine or by another client of the engine?"""
        here = ProjectLock(self.home, project).holder()
        return here is not None or self._lease(project).holder() is not None

    def _lease(self, project: str) -> Lease:
        """One for as long as the place: only so it is seen that a client has died."""
        if project not in self._leases:
            engine, clock = self.ports.engine, self.ports.clock
            self._leases[project] = Lease(engine, project, self.home.client(), clock)
        return self._leases[project]

    @contextmanager
    def repairing(self, project: str) -> Iterator[None]:
        """The project's locks, not waited for.

        Raises:
            Locked: somebody is at work on it.
        """
        lock = ProjectLock(self.home, project)
        with (
            lock.hold(REPAIR, wait=0, scope=Scope(), on_wait=lambda _holder: None),
            self._lease(project).hold(REPAIR, wait=0, scope=Scope()),
        ):
            yield

    def settle(self, project: str, scope: Scope) -> list[str]:
        """Put right what dead runs of this machine left; lines for people.

        Raises:
            Locked: it is not dead after all, or another one goes on.
        """
        if not self.store.unsettled(project):
            return []
        with self.repairing(project):
            return settle_project(self.store, self.site(project, scope))

    @property
    def is_boxed(self) -> bool:
        """Is this the container that ``--install --container`` made?"""
        return SELF in self.environ

    def give_way(self) -> None:
        """To the supervisor in a container, which all clients of the engine see.

        Raises:
            Locked: there is one.
        """
        if self.is_boxed or (there := box(self.ports.engine)) is None:
            return
        raise Locked(
            f"the engine {self.engine_name} has a supervisor: the container {there.name}",
            hint=f"One is enough: `docker logs -f {there.name}` shows it, and `docker rm -f "
            f"{there.name}` ends it.",
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The engine's only supervisor on this machine, with none in a container.

        Raises:
            Locked: another one is at work.
        """
        self.give_way()
        engine = self.ports.engine.info()
        lock = ProjectLock(self.home, f".supervise-{engine.id}")
        with ExitStack() as held:
            try:
                held.enter_context(
                    lock.hold("supervise", wait=0, scope=Scope(), on_wait=lambda _holder: None)
                )
            except Locked:
                who = lock.holder() or "just starting"
                raise Locked(
                    f"the engine {engine.name} has a supervisor: {who}",
                    hint="One is enough: it keeps all projects of the engine.",
                ) from None
            yield


def _text(happening: Happening) -> str:
    what = f"{happening.project} {happening.service}".strip()
    state = "is degraded" if happening.kind == "degraded" else "has recovered"
    return f"{what} {state}: {happening.message}"


def _quiet(_line: str) -> None:
    """What Compose says, and what is waited for, is of no interest here."""
