"""Where a release serves, and on whose behalf it is put there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from pipeline.artifacts import Release
from pipeline.kit.gate import Gate
from pipeline.kit.labels import Role, labels
from pipeline.kit.releases.ledger import Ledger
from pipeline.kit.undoing import Undoing
from pipeline.ports import Compose, Engine, Journal, Ports
from pipeline.scope import Scope


class Named(Protocol):
    @property
    def name(self) -> str: ...


class Expanding(Protocol):
    def expand(self, text: str) -> str: ...


class Running(Protocol):
    """The part of a stage's context (``pipeline.stage.Context``) that a site is made of."""

    @property
    def project(self) -> Named: ...
    @property
    def ports(self) -> Ports: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def scope(self) -> Scope: ...
    @property
    def run(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def secrets(self) -> Expanding: ...
    def progress(self, message: str, /) -> None: ...
    def log(self, line: str, /) -> None: ...


@dataclass(frozen=True)
class Site:
    """One project on one engine, as seen by one run (or command) of one client."""

    project: str
    ports: Ports
    journal: Journal
    scope: Scope
    run: str
    client: str
    expand: Callable[[str], str]
    """Puts secret values in the place of their references."""
    tell: Callable[[str], None]
    """Takes one line for people."""
    log: Callable[[str], None]
    """Takes one line of foreign output."""
    where: str = ""
    """The engine as pipeline.yml names it; empty for the one that builds."""

    @classmethod
    def of(cls, running: Running, where: str = "") -> Site:
        """Where a stage's release serves, on behalf of its run.

        Raises:
            EngineUnavailable: ``where`` is the name of no Docker context.
        """
        return cls(
            project=running.project.name,
            ports=running.ports.at(where),
            journal=running.journal,
            scope=running.scope,
            run=running.run,
            client=running.client,
            expand=running.secrets.expand,
            tell=running.progress,
            log=running.log,
            where=where,
        )

    @property
    def engine(self) -> Engine:
        return self.ports.engine

    @property
    def compose(self) -> Compose:
        return self.ports.compose

    @property
    def gate(self) -> Gate:
        ports = self.ports
        return Gate(ports.engine, ports.http, ports.clock, self.journal, self.scope)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.engine, self.project)

    def undoing(self, scope: Scope) -> Site:
        """For taking something back, whatever has become of the run."""
        return replace(self, scope=scope, journal=Undoing(self.journal))

    def labels(self, role: Role, release: Release, service: str = "") -> dict[str, str]:
        return labels(
            self.project,
            role,
            run=self.run,
            client=self.client,
            service=service,
            release=release.id,
        )
