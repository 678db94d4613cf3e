"""What a command works with, each part made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipeline import config
from pipeline.catalog import Catalog
from pipeline.config import Pipeline
from pipeline.errors import UsageError
from pipeline.planner import AnyStage
from pipeline.runner import Masker
from pipeline.stage import Ports, Project, Secrets
from pipeline.store import Home, ProjectLock, Store


@dataclass(frozen=True)
class Request:
    """What the command line (or a trigger) asks for."""

    directory: Path
    environ: Mapping[str, str] = field(repr=False)
    file: Path | None = None
    environment: str | None = None
    """Overlay (``-e``)."""
    sets: Sequence[str] = ()
    """``key=value`` of ``--set``."""
    trigger: str = "cli"


class Workspace:
    """Lazily wired parts. Tests hand in ``ports`` of their own."""

    engine = ""
    """The engine that it looks at, as pipeline.yml names it; empty for the one that builds."""

    def __init__(self, request: Request, *, ports: Ports | None = None) -> None:
        self.request = request
        self._ports = ports

    def again(self, request: Request | None = None) -> Workspace:
        """The same project with its files read anew, by the same connections; what is known to be
        secret stays so."""
        made = Workspace(request or self.request, ports=self.ports)
        made.masker = self.masker
        return made

    def serving(self, engine: str | None = None) -> list[Workspace]:
        """The same, looking at each engine that serves the app, or at that one of them.

        Raises:
            UsageError: ``engine`` is none of them.
        """
        names = self.head.serving
        if engine is not None and engine not in names:
            raise UsageError(
                f"--engine: {engine} serves nothing of {self.head.name}",
                hint=f"Engines that do: {', '.join(filter(None, names)) or 'none is named'}.",
            )
        return [self._at(name) for name in names if engine in (None, name)]

    def one(self, engine: str | None = None) -> Workspace:
        """As ``serving``, for what looks at one engine at a time.

        Raises:
            UsageError: several serve, and none of them is named.
        """
        places = self.serving(engine)
        if len(places) > 1:
            raise UsageError(
                f"{self.head.name} is served by {len(places)} engines, and this looks at one",
                hint=f"Name it: `--engine {places[0].engine}`.",
            )
        return places[0]

    def _at(self, engine: str) -> Workspace:
        if not engine:
            return self
        _ = self.secrets  # what they are masked by is one and the same
        there = copy(self)
        there.engine = engine
        there.__dict__["ports"] = self.ports.at(engine)
        return there

    @cached_property
    def home(self) -> Home:
        return Home.find(self.request.environ)

    @cached_property
    def store(self) -> Store:
        return Store(self.home)

    @cached_property
    def catalog(self) -> Catalog:
        return Catalog.builtin_and_installed()

    @cached_property
    def pipeline(self) -> Pipeline:
        """The checked pipeline file.

        Raises:
            ConfigError: with every mistake in it.
        """
        return self._loaded(config.load)

    @cached_property
    def head(self) -> Pipeline:
        """The pipeline file without its stages, and without their mistakes: a broken stage must
        not keep anyone from looking at what is live, or from rolling back.

        Raises:
            ConfigError: with every mistake in the rest of it.
        """
        return self.pipeline if "pipeline" in self.__dict__ else self._loaded(config.load_head)

    def _loaded(self, load: Callable[..., Pipeline]) -> Pipeline:
        request = self.request
        return load(
            config.find_file(request.directory, request.file),
            catalog=self.catalog,
            environment=request.environment,
            sets=request.sets,
            variables=request.environ,
        )

    @cached_property
    def stages(self) -> list[tuple[config.Entry, AnyStage]]:
        """The pipeline's entries, each with its stage."""
        return [(entry, entry.create()) for entry in self.pipeline.entries]

    @cached_property
    def project(self) -> Project:
        head = self.head
        return Project(
            name=head.name,
            file=head.file,
            directory=head.directory,
            state=self.home.project(head.name),
            environment=head.environment,
        )

    @cached_property
    def lock(self) -> ProjectLock:
        return ProjectLock(self.home, self.head.name)

    @cached_property
    def masker(self) -> Masker:
        return Masker()

    @cached_property
    def secrets(self) -> Secrets:
        load = config.secret_loader(self.head)
        return Secrets(self.masker.watch(load), self.head.secrets)

    @cached_property
    def ports(self) -> Ports:
        if self._ports is not None:
            return self._ports
        from pipeline.app.adapters import real_ports

        return real_ports(self.request.environ)
