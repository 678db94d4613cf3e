"""Scripts that are the app: which one, and how Python has to be called for it."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.kit.authoring.python import code, imports
from pipeline.kit.authoring.sources import Sources
from pipeline.kit.authoring.tree import Tree

USUAL = ("main.py", "app.py", "server.py", "run.py", "bot.py", "worker.py", "start.py")
_FOLDERS = ("src", "app")


@dataclass(frozen=True)
class Script:
    file: str
    argv: Sequence[str]
    path: str = ""
    """The folder that its imports start from, where that is not said by ``argv``."""


def find(tree: Tree, sources: Sources) -> Script | None:
    """The first of: a script of a usual name, the only one at the top, a package that can be run,
    a script in a usual folder, the only one that is meant to be run."""
    if found := tree.first(*USUAL) or _only(tree, sources):
        return _script(tree, found, sources)
    if package := next(iter([*tree.matching("*/__main__.py"),
                             *tree.matching("src/*/__main__.py")]), None):  # fmt: skip
        *path, name, _ = package.split("/")
        return Script(package, ("python", "-m", name), "/".join(path))
    below = tree.first(*(f"{folder}/{name}" for folder in _FOLDERS for name in USUAL))
    if found := below or _guarded(tree, sources):
        return _script(tree, found, sources)
    return None


def _script(tree: Tree, file: str, sources: Sources) -> Script:
    """A script in a folder finds what lies beside it; a module of a package finds what lies beside
    the package."""
    root = imports.root(tree, file, sources.files)
    folder = posixpath.dirname(file)
    if not folder or root == folder:
        return Script(file, ("python", file))
    module = file.removeprefix(f"{root}/" if root else "").removesuffix(".py")
    return Script(file, ("python", "-m", module.replace("/", ".")), root)


def _only(tree: Tree, sources: Sources) -> str | None:
    """The only one at the top, or of these the only one that is meant to be run."""
    alone = [file for file in sources.files if "/" not in file]
    run = [file for file in alone if code.GUARD.search(tree.read(file))]
    listening = [file for file in alone if code.LISTENS.search(tree.read(file))]
    return next((few[0] for few in (alone, run, listening) if len(few) == 1), None)


def _guarded(tree: Tree, sources: Sources) -> str | None:
    run = [file for file in sources.files if code.GUARD.search(tree.read(file))]
    return run[0] if len(run) == 1 else None
