"""The files of a Node.js app that may be what is started."""

from __future__ import annotations

import re

from pipeline.kit.authoring.tree import Tree

USUAL = tuple(
    f"{folder}{name}.{suffix}"
    for folder in ("", "src/", "server/", "app/", "api/")
    for name in ("server", "index", "app", "main")
    for suffix in ("js", "mjs", "cjs")
)
_NOT_THE_APP = re.compile(
    r"(?:^|/)(?:tests?|__tests__|docs|examples|scripts|public|static|client|frontend|cypress|e2e)/"
    r"|(?:^|/)\.|\.(?:test|spec|config|d)\.\w+$"
)
_PLACES = tuple(
    f"{place}*.{suffix}"
    for place in ("", "src/", "server/", "*/", "src/*/", "src/*/*/")
    for suffix in ("js", "mjs", "cjs", "ts", "mts")
)
_CONFIGURATION = ("config.json", "config/default.json", "config/production.json")


def find(tree: Tree, place: str) -> list[str]:
    """Likely ones first; ``place`` is the app's folder with ``/`` at its end, or empty. Last come
    files of settings, which may name a port."""
    found = {path for each in _PLACES for path in tree.matching(f"{place}{each}")}
    kept = [path for path in found if not _NOT_THE_APP.search(path.removeprefix(place))]
    usual = {f"{place}{file}" for file in USUAL}
    kept.sort(key=lambda path: (path not in usual, path.count("/"), path))
    settings = (f"{place}{file}" for file in _CONFIGURATION)
    return [*kept, *(file for file in settings if tree.has(file))]
