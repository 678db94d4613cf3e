"""A pipeline file after reading: frozen, validated, with the place of everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pipeline.artifacts import Artifact
from pipeline.config.models import ALWAYS, When
from pipeline.errors import Location
from pipeline.kit.notifying import Hook
from pipeline.stage import Stage, StageOptions

_NOWHERE = Location("")


class FoundStage(Protocol):
    """A stage class as a catalog gives it."""

    @property
    def stage_class(self) -> type[Stage[Any]]: ...

    @property
    def origin(self) -> str:
        """Where it comes from, for people: ``dockcycle 0.1.0``, ``./ci/scan.py``."""

    @property
    def version(self) -> str:
        """Changes when the code does: a distribution's version, or a hash of a file."""


class Stages(Protocol):
    """What reading a file needs of a catalog (``pipeline.catalog.Catalog`` is one)."""

    def names(self) -> tuple[str, ...]:
        """The registered names."""

    def find(self, uses: str, directory: Path) -> FoundStage:
        """The class for a registered name, ``module:Class`` or ``./path.py:Class``.

        Raises:
            CatalogError: there is none, or it cannot be used.
        """

    def makers(self, kind: type[Artifact]) -> tuple[str, ...]:
        """The registered stages that make evidence of that type."""


@dataclass(frozen=True)
class SecretSource:
    """Where a secret's value is: a variable, or a file (absolute)."""

    name: str
    env: str | None = None
    file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One stage of the pipeline. ``key`` is unique; ``uses`` is what the class was found by."""

    key: str
    uses: str
    stage_class: type[Stage[Any]]
    options: StageOptions
    origin: str = ""
    """Where the class comes from, for people."""
    version: str = ""
    """Changes when the code of the class does."""
    when: When = ALWAYS
    timeout: float | None = None
    """Seconds for one attempt; None: the stage's own default."""
    retries: int = 0
    allow_failure: bool = False
    where: Location = _NOWHERE

    @classmethod
    def of(cls, stage: Stage[Any], key: str, **settings: Any) -> Entry:
        """An entry for a stage that no file names; ``settings`` are fields such as ``retries``."""
        return cls(key=key, uses=key, stage_class=type(stage), options=stage.options, **settings)

    def create(self) -> Stage[Any]:
        """A stage with these options."""
        return self.stage_class(self.options)


@dataclass(frozen=True)
class Pipeline:
    """A whole file with its overlay. Paths are absolute."""

    name: str
    file: Path
    directory: Path
    entries: tuple[Entry, ...]
    secrets: Mapping[str, SecretSource]
    environment: str
    """The overlay in use, ``""`` without one."""
    documents: Mapping[str, str]
    """File name → text, as read: the pipeline file, then its overlay."""
    notify: tuple[Hook, ...]
    """Who is told of what, with the places of secrets."""
    variables: Mapping[str, str] = field(repr=False)
    """``.env`` and the environment: what values were interpolated with."""
    serving: tuple[str, ...] = ("",)
    """Engines that serve the app, as they are named; ``""`` is the one that builds it."""
