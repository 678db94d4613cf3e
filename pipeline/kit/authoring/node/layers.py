"""Whether the packages of a workspace can be built one by one, each in layers of its own.

Then a change of the app builds no package that it is made of.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.kit.authoring.node.package import FILE, Package
from pipeline.kit.authoring.node.workspace import Workspace
from pipeline.kit.authoring.tree import Tree

_SETTINGS = re.compile(r"\.(?:jsonc?|[cm]?[jt]s)$|^\.\w+rc$")
_CODE = re.compile(r"\.(?:jsonc?|[cm]?[jt]sx?|vue|svelte|astro|s?css|less)$")
_UPWARDS = re.compile(r"[\"'`= (](\.\.(?:/[\w.@*-]+)*)")


@dataclass(frozen=True)
class Layers:
    """What a build of the app sees: nothing else of the workspace is looked at."""

    settings: tuple[str, ...]
    """Files of the top level that packages share."""
    packages: tuple[Package, ...]
    """Each after those that it needs; the app, which is the last, is not among them."""


def find(tree: Tree, workspace: Workspace, app: Package) -> Layers | None:
    """None where nothing is built before the app, or a package may read what is in none of them."""
    *packages, last = workspace.below(app)
    if not app.folder or last is not app or not any("build" in each.scripts for each in packages):
        return None
    known = [each.folder for each in (*packages, app)]
    others = [each.name for each in workspace.members if each.folder not in known and each.name]
    if "" in known or _speaks_of(tree, known, others):
        return None
    settings = (path for path in tree.files if "/" not in path and _SETTINGS.search(path))
    return Layers(tuple(path for path in settings if path != FILE), tuple(packages))


def _speaks_of(tree: Tree, folders: Sequence[str], others: Sequence[str]) -> bool:
    """Does code in ``folders`` name what is in none of them, or ``others``, which nothing says that
    it needs?"""
    name = re.compile("|".join(rf"[\"'`]{re.escape(each)}[\"'`/]" for each in others) or r"(?!)")
    for file in tree.files:
        if not _CODE.search(file) or not any(file.startswith(f"{each}/") for each in folders):
            continue
        text, place = tree.read(file), posixpath.dirname(file)
        paths = (posixpath.normpath(f"{place}/{each}") for each in _UPWARDS.findall(text))
        if name.search(text) or not all(_is_inside(path, folders) for path in paths):
            return True
    return False


def _is_inside(path: str, folders: Sequence[str]) -> bool:
    """Is it in one of the folders, a file of the top level, or installed?"""
    if path.startswith("node_modules/") or ("/" not in path and "." in path.strip(".")):
        return True
    return any(path == each or path.startswith(f"{each}/") for each in folders)
