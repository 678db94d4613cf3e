"""Which Python."""

from __future__ import annotations

import re

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.authoring.versions import pinned

DEFAULT = "3.13"
KNOWN = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
"""Versions that have an image and are looked after, oldest first."""


def choose(tree: Tree, wishes: Wishes, reasons: Reasons) -> str:
    """Major and minor version: the image's tag then follows security releases.

    Raises:
        StageFailed: no published version is one that the project allows.
    """
    if wishes.python:
        return _noted(reasons, wishes.python, "asked for by `python:`", "pipeline.yml")
    for version, file, line in pinned(tree, "python", ".python-version", "runtime.txt"):
        if "." in version:
            return _noted(reasons, version, "pinned", file, line)
    wanted = tree.toml("pyproject.toml").get("project", {}).get("requires-python")
    if isinstance(wanted, str):
        return _allowed(wanted, tree, reasons)
    reasons.note("python", DEFAULT, "no file names a version, so a current one")
    return DEFAULT


def _noted(reasons: Reasons, version: str, because: str, file: str, line: int | None = None) -> str:
    short = re.match(r"\d+\.\d+", version)
    chosen = short.group() if short else version
    if chosen not in KNOWN:
        because += "; not a version that is looked after, or one that came after dockcycle"
    reasons.note("python", chosen, because, file, line=line, doubtful=chosen not in KNOWN)
    return chosen


def _allowed(wanted: str, tree: Tree, reasons: Reasons) -> str:
    """The default if ``requires-python`` allows it, else the newest that it allows."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    where = Location("pyproject.toml", tree.line_of("pyproject.toml", "requires-python"))
    try:
        specifier = SpecifierSet(wanted)
    except InvalidSpecifier as error:
        raise StageFailed(
            f"requires-python is no version specifier: {wanted}", where=where
        ) from error
    for version in (DEFAULT, *reversed(KNOWN)):
        named = re.search(rf"==\s*{re.escape(version)}\.\d", wanted) is not None
        if named or specifier.contains(f"{version}.999"):
            because = f"requires-python is {wanted}"
            reasons.note("python", version, because, where.file, line=where.line)
            return version
    raise StageFailed(
        f"no version of Python is both published and allowed by requires-python {wanted}",
        hint=f"Published are {', '.join(KNOWN)}. Name one with `python:` to go on regardless.",
        where=where,
    )
