"""What the parts of the server share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from pipeline.runner import Masker
from pipeline.server.config import ServedProject
from pipeline.server.loading import Settings, require_secrets
from pipeline.stage import Secrets
from pipeline.store import Home, Store


class State:
    """One server. Its parts are made when they are first asked for; ``start`` and ``stop`` are for
    whoever serves it."""

    def __init__(self, settings: Settings, masker: Masker | None = None) -> None:
        self.settings = settings
        self.masker = masker or Masker()

    @property
    def projects(self) -> Mapping[str, ServedProject]:
        """By name, in the order of the file."""
        return {project.name: project for project in self.settings.serve.projects}

    @cached_property
    def home(self) -> Home:
        return Home.find(self.settings.variables)

    @cached_property
    def store(self) -> Store:
        """The history of runs, the same that the command line reads and writes."""
        return Store(self.home)

    @cached_property
    def secrets(self) -> Secrets:
        return self.settings.open_secrets(self.masker)

    @property
    def token(self) -> str | None:
        """What allows actions; None: nothing does."""
        name = self.settings.serve.token
        return None if name is None else self.secrets.get(name)

    def check(self) -> None:
        """Read every secret that is used.

        Raises:
            UsageError: a secret has no value, or is too short to be one.
        """
        require_secrets(self.settings, self.secrets)

    def start(self) -> None:
        """Begin to work."""

    def stop(self) -> None:
        """End what is under way, within a limit."""
        self.store.close()
