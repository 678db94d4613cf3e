"""What one package.json says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring.tree import Tree

FILE = "package.json"


@dataclass(frozen=True)
class Package:
    """Raises ``StageFailed``, with the line, from every property when the file is broken."""

    tree: Tree
    folder: str = ""
    """Where it is, relative to the tree."""

    @property
    def file(self) -> str:
        return f"{self.folder}/{FILE}" if self.folder else FILE

    @cached_property
    def data(self) -> Mapping[str, Any]:
        return self.tree.json(self.file)

    @property
    def name(self) -> str:
        name = self.data.get("name")
        return name if isinstance(name, str) else ""

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

    def has(self, *names: str) -> str | None:
        """The first of the packages that is a dependency or a tool."""
        return next((n for n in names if n in self.dependencies or n in self.tools), None)

    def major(self, name: str) -> int | None:
        """The major version that is asked for of a package."""
        found = re.search(r"\d+", self.dependencies.get(name) or self.tools.get(name) or "")
        return int(found.group()) if found else None

    @property
    def main(self) -> str:
        value = self.data.get("main")
        return value.removeprefix("./") if isinstance(value, str) else ""

    @property
    def is_module(self) -> bool:
        return self.data.get("type") == "module"

    @property
    def manager(self) -> tuple[str, str]:
        """(name, exact version) of ``packageManager``; empty strings without one."""
        value = self.data.get("packageManager")
        name, _, version = value.partition("@") if isinstance(value, str) else ("", "", "")
        return name, version.partition("+")[0]

    @property
    def own_install_script(self) -> str | None:
        """The script of the project's own that an install runs."""
        names = ("preinstall", "install", "postinstall")
        return next((name for name in names if name in self.scripts), None)

    @property
    def workspaces(self) -> list[str]:
        """Patterns of the folders of a workspace's members."""
        value = self.data.get("workspaces", [])
        patterns = value.get("packages", []) if isinstance(value, dict) else value
        return [each for each in patterns if isinstance(each, str)]

    def line_of(self, key: str) -> int | None:
        return self.tree.line_of(self.file, f'"{key}"')

    def _strings(self, key: str) -> Mapping[str, str]:
        values = self.data.get(key, {})
        if not isinstance(values, dict):
            raise StageFailed(
                f'{self.file} cannot be read: "{key}" is not an object',
                hint="Mend the file; a Dockerfile cannot be made from what it does not say.",
                where=Location(self.file, self.line_of(key)),
            )
        return {name: value for name, value in values.items() if isinstance(value, str)}
