"""Where state lives: ``DOCKCYCLE_HOME``, else the platform's state folder."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StoreUnusable


@dataclass(frozen=True)
class Home:
    """The state directory of one user: ``state.db``, ``locks/``, ``projects/NAME/``."""

    path: Path

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Home:
        """``DOCKCYCLE_HOME`` if set, else the platform's folder for user state."""
        if named := environ.get("DOCKCYCLE_HOME"):
            return cls(Path(named).expanduser().absolute())
        from platformdirs import user_state_path

        return cls(user_state_path("dockcycle"))

    @property
    def database(self) -> Path:
        return self.path / "state.db"

    @property
    def reports(self) -> Path:
        """Reports of our own bugs, ready to paste."""
        return self.path / "reports"

    def project(self, name: str) -> Path:
        """The project's own folder, made if missing."""
        return self.ensure(self.path / "projects" / re.sub(r"[^A-Za-z0-9._-]", "_", name))

    def client(self) -> str:
        """A random id of this state directory, made once; it labels what is made from here."""
        file = self.ensure(self.path) / "client"
        try:
            if not file.exists():
                fresh = file.with_suffix(f".{os.getpid()}")
                fresh.write_text(secrets.token_hex(6))
                try:
                    os.link(fresh, file)
                except FileExistsError:
                    pass
                finally:
                    fresh.unlink()
            return file.read_text().strip()
        except OSError as error:
            raise self.unusable(error) from error

    def ensure(self, path: Path) -> Path:
        """Make a folder that only this user can read.

        Raises:
            StoreUnusable: it cannot be made.
        """
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise self.unusable(error) from error
        return path

    def unusable(self, error: OSError) -> StoreUnusable:
        return StoreUnusable(
            f"the state directory {self.path} cannot be used: {error.strerror or error}",
            hint="Free some space or fix its permissions, or set DOCKCYCLE_HOME to another folder.",
        )
