"""What a Python app depends on, which tool installs it, and which files say so."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.python import locks
from pipeline.kit.authoring.python.locks import Lock
from pipeline.kit.authoring.python.project import PYPROJECT, Project
from pipeline.kit.authoring.tree import Tree

REQUIREMENTS = (
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
    "requirements/requirements.txt",
    "requirements-prod.txt",
    "requirements.prod.txt",
    "requirements.in",
)
_NAME = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?\s*\(?([^;#@)\s\\]*[^;#@)\\]*)"
)
_INCLUDE = re.compile(r"(?:-r|--requirement|-c|--constraint)[= ]\s*(\S+)")
_LOCAL = re.compile(r"(?:(?:-e|--editable)[= ]\s*)?(?:\.|\.\.?/|file:)")

Manager = Literal["pip", "poetry", "uv", "pdm", "pipenv", "pyproject", "project", "none"]


@dataclass(frozen=True)
class Wanted:
    """How one package is asked for."""

    extras: frozenset[str] = frozenset()
    specifier: str = ""
    """As ``packaging`` reads it; empty for any version."""


@dataclass(frozen=True)
class Dependencies:
    """``manager`` is the tool that installs them. ``pyproject``: pip, from the list there;
    ``project``: only by installing the project itself, since only its build knows them."""

    manager: Manager
    names: Mapping[str, Wanted]
    """By normalised name: what the app asks for itself."""
    files: tuple[str, ...] = ()
    """What has to be copied before they can be installed."""
    main: str = ""
    """The file that lists them."""
    lock: Lock | None = None
    needs_code: bool = False
    """They include folders of the project itself."""
    needs_git: bool = False
    hashed: bool = False
    """pip takes nothing without a hash."""
    sources: frozenset[str] = frozenset()
    """Packages that are known to come without a wheel."""

    def has(self, *names: str) -> bool:
        return any(name in self.names for name in names)

    def extras(self, name: str) -> frozenset[str]:
        return self.names[name].extras if name in self.names else frozenset()


def find(project: Project, reasons: Reasons) -> Dependencies:
    """From the best place that has any: a lock file that is up to date, then requirements files,
    then lists without versions. What was passed over is told.

    Raises:
        StageFailed: a file that says them is broken.
    """
    tree = project.tree
    places = list(_places(project))
    if not places:
        reasons.note("dependencies", "none", "no file lists any")
        return Dependencies("none", {})
    current = [place for place in places if not _stale(place)]
    found = (current or places)[0]
    file = found.lock.file if found.lock else found.main
    locked = "exactly what the lock file has" if found.lock else _WHY[found.manager]
    reasons.note("dependencies", found.manager, locked, file)
    for other in places:
        if other is not found:
            _note_passed_over(other, found, tree, reasons)
    if found.lock and (missing := _stale(found)):
        reasons.note(
            "dependencies", "out of date", f"{missing} is not in it: lock again, or the build "
            "will refuse it", file, doubtful=True,
        )  # fmt: skip
    if not found.lock and found.manager in ("poetry", "uv", "pdm", "pipenv"):
        because = "there is no lock file, so versions may differ from build to build"
        reasons.note("dependencies", "not locked", because, file, doubtful=True)
    return found


_WHY: Mapping[str, str] = {
    "pip": "pip installs this file",
    "pyproject": "pip installs what pyproject.toml lists",
    "project": "only the project's own build knows them",
    "poetry": "Poetry's list", "uv": "uv's list", "pdm": "PDM's list", "pipenv": "Pipenv's list",
}  # fmt: skip


def _note_passed_over(
    other: Dependencies, found: Dependencies, tree: Tree, reasons: Reasons
) -> None:
    file = other.lock.file if other.lock else other.main
    if file in (found.main, PYPROJECT, "Pipfile", "setup.py"):
        return
    chosen = found.lock.file if found.lock else found.main
    if missing := _stale(other):
        because = f"{missing} is not in it, so {chosen} counts"
    elif found.lock:
        because = f"{chosen} counts: the lock file of the project's own tool"
    else:
        because = f"{chosen} counts"
    reasons.note("dependencies", f"{file} is not used", because, file, doubtful=True)


def _stale(place: Dependencies) -> str | None:
    return place.lock.misses(place.names) if place.lock else None


def _places(project: Project) -> Iterator[Dependencies]:
    """All that list dependencies, best first: lock files of a tool that the project is set up
    for, other lock files, requirements, lists."""
    tree = project.tree
    mine = [name for name in locks.FILES if name == "pipenv" or project.tool(name)]
    others = [name for name in locks.FILES if name not in mine]
    for manager in [*mine, *others]:
        if lock := locks.read(tree, manager):
            yield _locked(project, lock)
    if main := tree.first(*REQUIREMENTS):
        yield _requirements(tree, main)
    if tree.has("Pipfile") and not tree.has("Pipfile.lock"):
        yield Dependencies("pipenv", _table(project.pipfile.get("packages", {})), ("Pipfile",),
                           "Pipfile")  # fmt: skip
    yield from _listed(project)


def _listed(project: Project) -> Iterator[Dependencies]:
    tree = project.tree
    listed = project.listed
    if listed and (sources := project.tool("uv").get("sources")):
        # Only uv knows what these stand for: other members of a workspace, folders, repositories.
        text = str(sources)
        yield Dependencies("uv", names(listed), (PYPROJECT,), PYPROJECT,
                           needs_code="'workspace'" in text or "'path'" in text,
                           needs_git="'git'" in text)  # fmt: skip
    elif listed:
        yield Dependencies("pyproject", names(listed), (PYPROJECT,), PYPROJECT)
    elif poetry := project.tool("poetry").get("dependencies"):
        yield Dependencies("poetry", _table(poetry), (PYPROJECT,), PYPROJECT)
    elif project.is_package and listed is None:
        main = tree.first("setup.py", "setup.cfg", PYPROJECT) or ""
        yield Dependencies("project", names(_setup(tree)), main=main, needs_code=True)


def _locked(project: Project, lock: Lock) -> Dependencies:
    tree = project.tree
    if lock.manager == "pipenv":
        asked = _table(project.pipfile.get("packages", {}))
        return Dependencies("pipenv", asked, ("Pipfile", lock.file), "Pipfile", lock,
                            needs_git=_git(tree, lock.file))  # fmt: skip
    listed = project.listed or []
    poetry = project.tool("poetry").get("dependencies", {})
    asked = {**_table(poetry), **names(listed)}
    manager: Any = lock.manager
    files = tuple(file for file in (PYPROJECT, lock.file, "poetry.toml") if tree.has(file))
    return Dependencies(
        manager, asked, files, PYPROJECT, lock, needs_code=_is_local(project, lock),
        needs_git=_git(tree, lock.file), sources=lock.sources,
    )  # fmt: skip


def _is_local(project: Project, lock: Lock) -> bool:
    """Does the lock hold folders beside the project, such as members of a workspace?"""
    text = project.tree.read(lock.file)
    if lock.manager == "uv":
        return bool(re.search(r"(?:editable|directory|virtual) = \"(?!\.\")", text))
    return 'type = "directory"' in text or re.search(r"^path = ", text, re.MULTILINE) is not None


def _git(tree: Tree, file: str) -> bool:
    text = tree.read(file)
    return bool(re.search(r"git\+|\bgit = |type = \"git\"|\"git\":", text))


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
                waiting.append(_included(tree, file, line, include[1]))
            else:
                lines.append(line)
    return Dependencies(
        "pip", names(line for line in lines if line[0] != "-"), tuple(sorted(files)), main,
        needs_code=any(_LOCAL.match(line) for line in lines),
        needs_git=any("git+" in line for line in lines),
        hashed=any("--hash" in line for line in lines),
    )  # fmt: skip


def _included(tree: Tree, file: str, line: str, name: str) -> str:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), name))
    if "://" in name or tree.has(path):
        return path
    raise StageFailed(
        f"{file} includes {name}, which is not there",
        hint="Mend the line, or bring the file.",
        where=Location(file, tree.line_of(file, line)),
    )


def _setup(tree: Tree) -> list[str]:
    """What setup.cfg or setup.py ask for, as far as they are plain about it."""
    if match := re.search(r"^install_requires\s*=\s*\n((?:[ \t]+.+\n?)+)", tree.read("setup.cfg"),
                          re.MULTILINE):  # fmt: skip
        return [line.strip() for line in match[1].splitlines()]
    if match := re.search(r"install_requires\s*=\s*(\[[^\]]*\])", tree.read("setup.py")):
        try:
            found = ast.literal_eval(match[1])
        except (ValueError, SyntaxError):
            return []
        return [each for each in found if isinstance(each, str)]
    return []


def _table(declared: Mapping[str, Any]) -> dict[str, Wanted]:
    """Poetry's and Pipenv's kind of list."""
    found = {}
    for name, value in declared.items():
        extras = value.get("extras", ()) if isinstance(value, dict) else ()
        if name != "python" and not (isinstance(value, dict) and value.get("optional")):
            found[locks.normal(name)] = Wanted(frozenset(extras))
    return found


def names(requirements: Iterable[str]) -> dict[str, Wanted]:
    """Normalised name → how it is asked for."""
    found = {}
    for text in requirements:
        if match := _NAME.match(text.partition(" --hash")[0]):
            extras = frozenset(extra.strip() for extra in (match[2] or "").split(",") if extra)
            specifier = match[3].strip() if match[3][:1] in "<>=!~" else ""
            found[locks.normal(match[1])] = Wanted(extras, specifier)
    return found
