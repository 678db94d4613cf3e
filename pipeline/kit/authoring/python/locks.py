"""Lock files: which packages they hold, and for which versions of Python these have wheels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.kit.authoring.tree import Tree

FILES: Mapping[str, str] = {
    "uv": "uv.lock", "poetry": "poetry.lock", "pdm": "pdm.lock", "pipenv": "Pipfile.lock",
}  # fmt: skip
_WHEEL = re.compile(r"-(?P<pythons>(?:cp|py)\d[\w.]*)-(?P<abis>[\w.]+)-(?P<platforms>[\w.]+)\.whl$")


@dataclass(frozen=True)
class Lock:
    manager: str
    file: str
    wheels: Mapping[str, tuple[str, ...]]
    """Normalised name → file names of wheels, as far as the lock file has them."""
    sources: frozenset[str] = frozenset()
    """Packages that have no wheel at all."""
    made_by: str = ""
    """Version of the tool that wrote it, if it says so."""

    def misses(self, names: Mapping[str, object]) -> str | None:
        """A package that is asked for and not locked, so that the lock is out of date."""
        if not self.wheels:
            return None  # empty, or too large to be read
        return next((name for name in names if name not in self.wheels), None)

    def fits(self, python: str) -> bool:
        """Has every package a wheel for ``python`` that runs on Linux?"""
        return self.unfit(python) is None

    def unfit(self, python: str) -> str | None:
        """A package that has wheels for Linux, but none for ``python``."""
        for name, wheels in self.wheels.items():
            usable = [wheel for wheel in map(_WHEEL.search, wheels) if wheel and _on_linux(wheel)]
            if usable and not any(_runs_on(wheel, python) for wheel in usable):
                return name
        return None


def normal(name: str) -> str:
    """A package's name as all spellings of it are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(tree: Tree, manager: str) -> Lock | None:
    """The lock file of a tool; None when it is not there.

    Raises:
        StageFailed: it is broken.
    """
    file = FILES[manager]
    if not tree.has(file):
        return None
    if manager == "pipenv":
        default = tree.json(file).get("default", {})
        return Lock(manager, file, {normal(name): () for name in default})
    data = tree.toml(file)
    old = data.get("metadata", {}).get("files", {})
    wheels: dict[str, tuple[str, ...]] = {}
    sources = set()
    for package in data.get("package", ()):
        name = normal(str(package.get("name", "")))
        files = [*_files(package), *_names(old.get(package.get("name"), ()))]
        wheels[name] = (*wheels.get(name, ()), *(f for f in files if f.endswith(".whl")))
        if files and not wheels[name]:
            sources.add(name)
    header = re.search(r"Poetry (\d+(?:\.\d+)+)", tree.read(file).split("\n")[0])
    return Lock(manager, file, wheels, frozenset(sources), header[1] if header else "")


def _files(package: Mapping[str, Any]) -> list[str]:
    """File names in one ``[[package]]`` of uv, Poetry or PDM."""
    sdist = [package["sdist"]] if isinstance(package.get("sdist"), dict) else []
    return _names([*package.get("wheels", ()), *package.get("files", ()), *sdist])


def _names(entries: Any) -> list[str]:
    found = [entry.get("file") or entry.get("url") or entry.get("path") or "" for entry in entries]
    return [str(name).partition("#")[0].rpartition("/")[2] for name in found]


def _on_linux(wheel: re.Match[str]) -> bool:
    return wheel["platforms"] == "any" or "linux" in wheel["platforms"]


def _runs_on(wheel: re.Match[str], python: str) -> bool:
    minor = int(python.partition(".")[2])
    for tag in wheel["pythons"].split("."):
        kind, major, rest = tag[:2], tag[2:3], tag[3:]
        if kind == "py" and major == "3":
            return True
        if kind == "cp" and major == "3" and rest.isdigit():
            exact = int(rest) == minor and not wheel["abis"].endswith("t")
            if exact or ("abi3" in wheel["abis"] and int(rest) <= minor):
                return True
    return False
