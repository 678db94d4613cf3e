"""Which stages there are. Only the classes that are asked for are imported."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline.artifacts import Artifact
from pipeline.catalog.loading import (
    CatalogError,
    Found,
    broken,
    checked,
    from_file,
    from_module,
)
from pipeline.kit.names import STAGES, did_you_mean

GROUP = "dockcycle.stages"
_CLASS = re.compile(r"[A-Za-z_]\w*")


class Distribution(Protocol):
    """The part of ``importlib.metadata.Distribution`` that is used."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...


class Point(Protocol):
    """The part of ``importlib.metadata.EntryPoint`` that is used."""

    @property
    def name(self) -> str: ...

    @property
    def value(self) -> str: ...

    @property
    def dist(self) -> Distribution | None: ...

    def load(self) -> Any: ...


@dataclass(frozen=True)
class Listed:
    """A registered stage as ``dockcycle stages`` shows it; ``error`` if it cannot be loaded."""

    name: str
    origin: str
    summary: str = ""
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    error: str = ""


class Catalog:
    """Stages by name, from entry points of the group ``dockcycle.stages``."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._points: dict[str, list[Point]] = {}
        for point in sorted(points, key=_usual_order):
            same = self._points.setdefault(point.name, [])
            if all((p.value, _origin(p)) != (point.value, _origin(point)) for p in same):
                same.append(point)

    @classmethod
    def builtin_and_installed(cls) -> Catalog:
        """The built-in stages and those of all installed distributions."""
        from importlib.metadata import entry_points

        return cls(entry_points(group=GROUP))

    def names(self) -> tuple[str, ...]:
        """Registered names, the built-in ones first and in their usual order."""
        return tuple(self._points)

    def find(self, uses: str, directory: Path) -> Found:
        """The class for a registered name, ``module:Class`` or ``./path.py:Class`` (relative to
        ``directory``).

        Raises:
            CatalogError: there is none, or it cannot be used.
        """
        if ":" not in uses:
            return self._registered(uses)
        place, _, name = uses.rpartition(":")
        if not _CLASS.fullmatch(name):
            raise CatalogError(
                f"`{name}` is no name of a class", hint="Write `module:Class` or `./path.py:Class`."
            )
        if place.endswith(".py") or place.startswith((".", "/")):
            return from_file(place, name, directory)
        return from_module(place, name)

    def makers(self, kind: type[Artifact]) -> tuple[str, ...]:
        """The registered stages that make evidence of that type; broken ones are left out."""
        names = []
        for name in self._points:
            try:
                found = self._registered(name)
            except CatalogError:
                continue
            if kind in found.stage_class.makes:
                names.append(name)
        return tuple(names)

    def list(self) -> tuple[Listed, ...]:
        """All registered stages, those that cannot be loaded with their error.

        Raises:
            CatalogError: two distributions register the same name.
        """
        return tuple(self._listed(name) for name in self._points)

    def _listed(self, name: str) -> Listed:
        point = self._point(name)
        try:
            stage = self._registered(name).stage_class
        except CatalogError as error:
            return Listed(name, _origin(point), error=error.message)
        needs, wants, makes = (
            tuple(sorted(kind.__name__ for kind in kinds))
            for kinds in (stage.needs, stage.wants, stage.makes)
        )
        return Listed(name, _origin(point), stage.summary, needs, wants, makes)

    def _point(self, name: str) -> Point:
        points = self._points.get(name, [])
        if not points:
            raise CatalogError(f"there is no stage `{name}`", hint=self._instead(name))
        if len(points) > 1:
            both = " and ".join(f"{_origin(point)} ({point.value})" for point in points)
            raise CatalogError(
                f"the stage `{name}` is registered by {both}",
                hint="Uninstall one of them, or name the class itself: `uses: module:Class`.",
            )
        return points[0]

    def _instead(self, name: str) -> str:
        if not self._points:
            return "No stages are registered: is dockcycle installed? `pip install dockcycle`."
        return did_you_mean(name, self._points)

    def _registered(self, name: str) -> Found:
        point = self._point(name)
        origin = _origin(point)
        try:
            loaded = point.load()
        except (Exception, SystemExit) as error:
            raise broken(f"the stage `{name}` of {origin}", error) from error
        stage_class = checked(loaded, f"`{name}` of {origin} ({point.value})")
        if stage_class.name != name:
            raise CatalogError(
                f"{origin} registers `{name}`, but {point.value} calls itself `{stage_class.name}`",
                hint="The name of the entry point and the class's `name` must be the same.",
            )
        return Found(stage_class, origin, origin)


def _usual_order(point: Point) -> tuple[int, str]:
    return STAGES.index(point.name) if point.name in STAGES else len(STAGES), point.name


def _origin(point: Point) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
