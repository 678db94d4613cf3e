"""What a Python app depends on, and which files say so."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.tree import Tree

REQUIREMENTS = (
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
    "requirements-prod.txt",
)
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_INCLUDE = re.compile(r"(?:-r|--requirement|-c|--constraint)[= ]\s*(\S+)")
_LOCAL = re.compile(r"(?:(?:-e|--editable)[= ]\s*)?(?:\.|\.\.?/|file:)")
_OTHER_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")

Manner = Literal["requirements", "pyproject", "project", "none"]


@dataclass(frozen=True)
class Dependencies:
    """``manner``: from requirements files; the list in pyproject.toml; by installing the project
    itself, since only its build knows; or there are none."""

    manner: Manner
    names: Mapping[str, frozenset[str]]
    """Normalised name → extras."""
    files: tuple[str, ...] = ()
    """What has to be copied before they can be installed."""
    main: str = ""
    """The requirements file to install."""
    needs_code: bool = False
    """They include folders of the project itself."""
    needs_git: bool = False
    installs_project: bool = False
    """The project is a package with a build of its own."""

    def has(self, *names: str) -> bool:
        return any(name in self.names for name in names)


def find(tree: Tree, reasons: Reasons) -> Dependencies:
    """From the first place that has any."""
    found = _from_files(tree)
    reasons.note(
        "dependencies", found.main or found.manner, _WHY[found.manner], found.main or "",
        doubtful=False,
    )  # fmt: skip
    if found.manner != "requirements" and (lock := tree.first(*_OTHER_LOCKS)):
        reasons.note(
            "dependencies", "not locked", f"{lock} is not used yet; export a requirements.txt for "
            "the same versions in every build", lock, doubtful=True,
        )  # fmt: skip
    return found


_WHY: Mapping[str, str] = {
    "requirements": "pip installs this file",
    "pyproject": "pip installs what pyproject.toml lists",
    "project": "only the project's own build knows them",
    "none": "no file lists any",
}


def _from_files(tree: Tree) -> Dependencies:
    if main := tree.first(*REQUIREMENTS):
        return _requirements(tree, main)
    pyproject = tree.toml("pyproject.toml")
    project = pyproject.get("project", {})
    builds = "build-system" in pyproject or tree.has("setup.py")
    if "dependencies" in project and "dependencies" not in project.get("dynamic", ()):
        return Dependencies(
            "pyproject", _names(project["dependencies"]), ("pyproject.toml",),
            installs_project=builds,
        )  # fmt: skip
    if builds:
        return Dependencies("project", _names(_poetry(pyproject)), needs_code=True)
    return Dependencies("none", {})


def _requirements(tree: Tree, main: str) -> Dependencies:
    files: dict[str, None] = {}
    lines: list[str] = []
    waiting = [main]
    while waiting:
        file = waiting.pop()
        if file in files or not tree.has(file):
            continue
        files[file] = None
        for line in tree.lines(file):
            if include := _INCLUDE.match(line):
                waiting.append(
                    posixpath.normpath(posixpath.join(posixpath.dirname(file), include[1]))
                )
            else:
                lines.append(line)
    return Dependencies(
        "requirements", _names(lines), tuple(sorted(files)), main,
        needs_code=any(_LOCAL.match(line) for line in lines),
        needs_git=any("git+" in line for line in lines),
    )  # fmt: skip


def _poetry(pyproject: Mapping[str, Any]) -> Iterable[str]:
    tool = pyproject.get("tool", {})
    declared = tool.get("poetry", {}).get("dependencies", {})
    return [name for name in declared if name != "python"]


def _names(requirements: Iterable[str]) -> dict[str, frozenset[str]]:
    return dict(_each(requirements))


def _each(requirements: Iterable[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for text in requirements:
        if match := _NAME.match(text):
            extras = frozenset(extra.strip() for extra in (match[2] or "").split(",") if extra)
            yield re.sub(r"[-_.]+", "-", match[1]).lower(), extras
