"""Which files of a folder a run depends on, as far as names tell."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import ConfigError, GitUnusable
from pipeline.kit.content import is_evidence
from pipeline.kit.ignore import Ignore, derived, in_force
from pipeline.ports import Repo

_CONFIG = ("pipeline", "compose", "docker-compose", ".env")
"""How names begin of files at the top that say how to run: not in the image, but inputs."""


class Relevance:
    """For the folder of the pipeline file, and the app's in or beside it.

    What ``.dockerignore`` keeps out of the build, what git ignores, and what tools leave behind is
    of no matter; Dockerfiles, pipeline and Compose files and ``.env`` files are.
    """

    def __init__(self, directory: Path, app: Path, repo: Repo, named: Iterable[Path] = ()) -> None:
        """``named`` are files that the pipeline file names, such as those of variables."""
        self._directory, self._app, self._repo = directory, app, repo
        self._named = frozenset(named)
        self._derived = derived()
        self._ignore = _ignore(app)
        self._known: frozenset[str] | None = None
        self.refresh()

    def refresh(self) -> None:
        """Read again what is ignored."""
        self._ignore = _ignore(self._app)
        known = self._listed()
        # What was known before may just have been deleted.
        self._known = None if known is None else known | (self._known or frozenset())

    def quick(self, path: str) -> bool:
        """May the file matter? By its name alone, for the watching thread."""
        return self._is_config(Path(path)) or self._is_content(Path(path))

    def of(self, paths: Iterable[str]) -> frozenset[str]:
        """Those that matter, as people here would write them."""
        self.refresh()
        return frozenset(
            os.path.relpath(path, self._directory) for path in paths if self._matters(Path(path))
        )

    def _matters(self, path: Path) -> bool:
        if self._is_config(path):
            return True
        if not self._is_content(path):
            return False
        return self._known is None or path.relative_to(self._app).as_posix() in self._known

    def _is_config(self, path: Path) -> bool:
        at_top = path.parent in (self._directory, self._app)
        return path in self._named or (
            at_top and (path.name.startswith(_CONFIG) or is_evidence(path.name))
        )

    def _is_content(self, path: Path) -> bool:
        if not path.is_relative_to(self._app):
            return False
        name = path.relative_to(self._app).as_posix()
        return not self._derived.excludes(name) and not self._ignore.excludes(name)

    def _listed(self) -> frozenset[str] | None:
        """What git knows or would; None outside of git."""
        try:
            if self._repo.head(str(self._app)) is None:
                return None
            return frozenset(self._repo.files(str(self._app)))
        except GitUnusable:
            return None  # the run will say what is wrong


def _ignore(app: Path) -> Ignore:
    try:
        return in_force(app)
    except (ConfigError, OSError):
        return derived()  # the run will say what is wrong
