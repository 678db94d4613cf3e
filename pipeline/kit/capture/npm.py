"""Node.js packages that npm installed into a container since its image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.kit.capture.evidence import Evidence
from pipeline.kit.capture.leave import is_below

_GLOBAL = re.compile(r"(?P<root>.*/lib/node_modules)/(?P<name>(?:@[^/]+/)?[^/@]+)/package\.json")
_MODULES = re.compile(r"(?P<app>(?:/(?!node_modules/)[^/]+)+)/node_modules")
_BY_LOCK = (
    ("package-lock.json", "npm ci --prefix"),
    ("npm-shrinkwrap.json", "npm ci --prefix"),
    ("pnpm-lock.yaml", "pnpm install --frozen-lockfile --dir"),
    ("yarn.lock", "yarn install --frozen-lockfile --cwd"),
)
"""Lock file → what installs by it, before the folder."""


@dataclass(frozen=True)
class Node:
    programs: tuple[str, ...]
    """``name@version`` of what was installed with ``--global``."""
    apps: tuple[tuple[str, str], ...]
    """(folder, command) of projects with their own ``node_modules``."""
    folders: tuple[str, ...]
    """All that npm made."""

    def covers(self, path: str, link: str) -> bool:
        """Is it npm's: in one of its folders, or a link into one?"""
        return is_below(path, self.folders) or "/lib/node_modules/" in link


def node(evidence: Evidence, owned: object) -> Node:
    """What is new; ``owned`` are the paths of other packages."""
    programs, roots = [], []
    for path in _new(evidence, owned):
        match = _GLOBAL.fullmatch(path)
        if match and "/node_modules/" not in match["root"]:
            found = _package(evidence.now.text(path))
            if version := found.get("version"):
                programs.append(f"{match['name']}@{version}")
                roots.append(f"{match['root']}/{match['name']}")
    apps = list(_apps(evidence, owned))
    return Node(
        tuple(sorted(programs)), tuple(apps),
        (*roots, *(f"{app}/node_modules" for app, _ in apps)),
    )  # fmt: skip


def _apps(evidence: Evidence, owned: object) -> Iterator[tuple[str, str]]:
    files = evidence.now.entries
    for path in _new(evidence, owned):
        match = _MODULES.fullmatch(path)
        if match is None or f"{match['app']}/package.json" not in files:
            continue
        app = match["app"]
        commands = (command for name, command in _BY_LOCK if f"{app}/{name}" in files)
        yield app, next(commands, "npm install --prefix")


def _new(evidence: Evidence, owned: Any) -> list[str]:
    return [p for p, kind in sorted(evidence.kinds.items()) if kind != "deleted" and p not in owned]


def _package(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
