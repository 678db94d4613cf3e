"""From which folder an app's modules are imported, and in which it runs.

People start the same ``backend/main.py`` as ``uvicorn backend.main:app`` or from within its folder
as ``uvicorn main:app``: which one it is shows in the imports between the app's own modules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.kit.authoring.tree import Tree

_IMPORT = re.compile(r"^\s*(?:from\s+([A-Za-z_]\w*)[\w.]*\s+import\b|import\s+([A-Za-z_][\w., ]*))",
                     re.MULTILINE)  # fmt: skip
_RELATIVE = re.compile(r"^\s*from\s+\.+\w*(?:\.\w+)*\s+import\b", re.MULTILINE)
_OPENED = re.compile(
    r"(?:directory\s*=|open\(|Path\(|FileSystemLoader\(|StaticFiles\(|sqlite3\.connect\()"
    r"\s*[\"'](?:\./)?([\w-]+)(?=[/\"'.])"
)


def root(tree: Tree, file: str, sources: Sequence[str]) -> str:
    """The folder that has to be on the import path for ``file``: empty for the app's own.

    Of all folders on the way to it, the one from which most of the imports in that part of the
    code can be found; then ``src``, then the shallowest.
    """
    folder = file.rpartition("/")[0]
    if not folder:
        return ""
    top = folder.split("/")[0]
    imported = _imported(tree, [path for path in sources if path.startswith(f"{top}/")])
    if _RELATIVE.search(tree.read(file)):
        folder = folder.rpartition("/")[0]  # then its own folder is a package, and no root
    parts = folder.split("/") if folder else []
    candidates = ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]
    local = {name for name in imported if any(_finds(tree, c, name) for c in candidates)}

    def rank(candidate: str) -> tuple[int, bool, int]:
        missing = sum(not _finds(tree, candidate, name) for name in local)
        return missing, candidate != "src", candidate.count("/") + bool(candidate)

    return min(candidates, key=rank)


def runs_in(tree: Tree, folder: str, sources: Sequence[str]) -> bool:
    """Does the code open files by names that are found from within ``folder``, and not from the
    app's own?"""
    opened = {name for path in sources for name in _OPENED.findall(tree.read(path))}
    return any(_there(tree, f"{folder}/{name}") and not _there(tree, name) for name in opened)


def is_package(tree: Tree, folder: str) -> bool:
    return tree.has(f"{folder}/__init__.py")


def _imported(tree: Tree, files: Sequence[str]) -> set[str]:
    found = set()
    for file in files:
        for module, several in _IMPORT.findall(tree.read(file)):
            words = (
                [module]
                if module
                else [part.split()[0] for part in several.split(",") if part.strip()]
            )
            found |= {word.partition(".")[0] for word in words}
    return found


def _finds(tree: Tree, folder: str, name: str) -> bool:
    place = f"{folder}/{name}" if folder else name
    return tree.has(f"{place}.py") or any(
        path.startswith(f"{place}/") and path.endswith(".py") for path in tree.files
    )


def _there(tree: Tree, place: str) -> bool:
    return any(path == place or path.startswith((f"{place}/", f"{place}.")) for path in tree.files)
