"""What package.json and its lock file say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.tree import Tree

FILE = "package.json"
_LOCKS = ("package-lock.json", "npm-shrinkwrap.json")
_FOREIGN_LOCKS = {"yarn.lock": "Yarn", "pnpm-lock.yaml": "pnpm", "bun.lock": "Bun",
                  "bun.lockb": "Bun"}  # fmt: skip


@dataclass(frozen=True)
class Package:
    """Raises ``StageFailed`` from every property when package.json is broken."""

    tree: Tree

    @cached_property
    def data(self) -> Mapping[str, Any]:
        return self.tree.json(FILE)

    @property
    def scripts(self) -> Mapping[str, str]:
        return self._strings("scripts")

    @property
    def dependencies(self) -> Mapping[str, str]:
        return self._strings("dependencies")

    @property
    def tools(self) -> Mapping[str, str]:
        """What is needed to build, not to run."""
        return self._strings("devDependencies")

    @property
    def main(self) -> str:
        value = self.data.get("main")
        return value.removeprefix("./") if isinstance(value, str) else ""

    @property
    def lock(self) -> str | None:
        """npm's lock file."""
        return self.tree.first(*_LOCKS)

    @property
    def install_needs_code(self) -> bool:
        """Does an install run a script of the project's own?"""
        return bool({"preinstall", "install", "postinstall"} & set(self.scripts))

    def note_lock(self, reasons: Reasons) -> None:
        """Say which lock file counts, and which one does not."""
        if self.lock:
            reasons.note("dependencies", "npm ci", "exactly what the lock file has", self.lock)
            return
        foreign = self.tree.first(*_FOREIGN_LOCKS)
        if foreign:
            because = (
                f"the lock of {_FOREIGN_LOCKS[foreign]} is not used yet, so versions may differ"
            )
        else:
            because = "there is no package-lock.json, so versions may differ from build to build"
        reasons.note("dependencies", "npm install", because, foreign or FILE, doubtful=True)

    def line_of(self, key: str) -> int | None:
        return self.tree.line_of(FILE, f'"{key}"')

    def _strings(self, key: str) -> Mapping[str, str]:
        values = self.data.get(key)
        if not isinstance(values, dict):
            return {}
        return {name: value for name, value in values.items() if isinstance(value, str)}
