"""What pyproject.toml, setup.py, setup.cfg and Pipfile say about a project, apart from what it
depends on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring.tree import Tree

PYPROJECT = "pyproject.toml"
_COMPILING = ("maturin", "scikit_build_core", "mesonpy", "setuptools_rust", "cython")
_PYTHON_REQUIRES = {
    "setup.cfg": re.compile(r"^python_requires\s*=\s*(.+)$", re.MULTILINE),
    "setup.py": re.compile(r"python_requires\s*=\s*[\"']([^\"']+)[\"']"),
}
_ASKS_ITSELF = re.compile(r"\bimportlib[._]metadata\b|\bpkg_resources\b|\bentry_points\(")


@dataclass(frozen=True)
class Project:
    """Raises ``StageFailed``, with file and line, from every property whose file is broken."""

    tree: Tree

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """All of pyproject.toml; empty without one."""
        return self.tree.toml(PYPROJECT)

    @cached_property
    def project(self) -> Mapping[str, Any]:
        return self._table(self.data, "project")

    def tool(self, name: str) -> Mapping[str, Any]:
        tools = self._table(self.data, "tool")
        return self._table(tools, name)

    @cached_property
    def pipfile(self) -> Mapping[str, Any]:
        return self.tree.toml("Pipfile")

    @property
    def listed(self) -> list[str] | None:
        """``project.dependencies``; None where they are not said, or said by a build."""
        if "dependencies" in self.project.get("dynamic", ()):
            return None
        found = self.project.get("dependencies")
        if found is None:
            return [] if "name" in self.project else None
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise self._wrong("project.dependencies", "a list of strings", "dependencies")
        return found

    @property
    def backend(self) -> str:
        """The module that builds the project; empty for none."""
        system = self._table(self.data, "build-system")
        if system or self.tree.has("setup.py"):
            return str(system.get("build-backend", "setuptools.build_meta"))
        return ""

    @property
    def is_package(self) -> bool:
        """Is it one that can be installed itself?"""
        if self.tool("poetry").get("package-mode") is False:
            return False
        if self.tool("uv").get("package") is False or self.tool("pdm").get("distribution") is False:
            return False
        return bool(self.backend)

    @property
    def is_compiled(self) -> bool:
        setup = self.tree.read("setup.py")
        return self.backend.startswith(_COMPILING) or "ext_modules" in setup

    def outline(self) -> tuple[list[str], list[str]]:
        """What is enough to install the project in place without its code: files that describe it,
        and folders that have to be packages. Both empty where that cannot be told."""
        tree = self.tree
        packages = tree.matching("src/*/__init__.py") or tree.matching("*/__init__.py")
        packages = [file for file in packages if not file.startswith(("test", "doc", "example"))]
        if not packages or self.is_compiled or not tree.has(PYPROJECT):
            return [], []
        described = [
            file
            for file in tree.files
            if "/" not in file and file.startswith((PYPROJECT, "setup.", "README", "LICENSE"))
        ]
        if self.project.get("dynamic"):  # the version, say, is in the code
            return [*described, *packages], []
        return described, [file.removesuffix("/__init__.py") for file in packages]

    @property
    def version_is_from_git(self) -> bool:
        """A build takes the version from a history that is not in the image's context."""
        wanted = str(self._table(self.data, "build-system").get("requires", ""))
        return any(tool in wanted for tool in ("setuptools_scm", "setuptools-scm", "hatch-vcs"))

    def asks_itself(self, files: Iterable[str]) -> str | None:
        """A file that needs the project to be installed: it asks for the project's version, or for
        entry points that the project has itself."""
        return next((file for file in files if _ASKS_ITSELF.search(self.tree.read(file))), None)

    @property
    def scripts(self) -> Mapping[str, str]:
        """Console scripts: name → ``module:function``."""
        mine = self.project.get("scripts") or self.tool("poetry").get("scripts") or {}
        return {name: target for name, target in mine.items() if isinstance(target, str)}

    @property
    def name(self) -> str:
        return str(self.project.get("name") or self.tool("poetry").get("name") or "")

    def wanted_python(self) -> tuple[str, str, str] | None:
        """(what is wanted, file, text to find its line by) of the interpreter."""
        if wanted := self.project.get("requires-python"):
            return str(wanted), PYPROJECT, "requires-python"
        poetry = self._table(self.tool("poetry"), "dependencies").get("python")
        if isinstance(poetry, str):
            return poetry, PYPROJECT, "python ="
        requires = self.pipfile.get("requires", {})
        if wanted := requires.get("python_full_version") or requires.get("python_version"):
            return f"=={wanted}", "Pipfile", "python_"
        for file, pattern in _PYTHON_REQUIRES.items():
            if match := pattern.search(self.tree.read(file)):
                return match[1], file, "python_requires"
        return None

    def _table(self, parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        found = parent.get(key, {})
        if not isinstance(found, dict):
            raise self._wrong(key, "a table", key)
        return found

    def _wrong(self, what: str, wanted: str, text: str) -> StageFailed:
        return StageFailed(
            f"{PYPROJECT} cannot be read: {what} is not {wanted}",
            hint="Mend the file; a Dockerfile cannot be made from what it does not say.",
            where=Location(PYPROJECT, self.tree.line_of(PYPROJECT, text)),
        )
