"""Which Python."""

from __future__ import annotations

import re

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.python import wheels
from pipeline.kit.authoring.python.dependencies import Dependencies
from pipeline.kit.authoring.python.project import Project
from pipeline.kit.authoring.versions import pinned

DEFAULT = "3.13"
KNOWN = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
"""Versions that have an image and are looked after, oldest first."""
_OLD = ("2.7", "3.4", "3.5", "3.6", "3.7", "3.8")
"""Those that have an image and nobody looks after any more."""


def choose(project: Project, wishes: Wishes, dependencies: Dependencies, reasons: Reasons) -> str:
    """Major and minor version: the image's tag then follows security releases.

    Raises:
        StageFailed: no published version is one that the project allows or names.
    """
    if wishes.python:
        chosen = _short(wishes.python)
        _note(reasons, chosen, "asked for by `python:`", Location("pipeline.yml"))
        return chosen
    tree = project.tree
    for version, file, line in pinned(tree, "python", ".python-version", "runtime.txt"):
        if "." in version:
            return _pinned(_short(version), Location(file, line), reasons)
    wanted = project.wanted_python()
    if wanted is None:
        return _fitting(list(KNOWN), "no file names a version", None, dependencies, reasons)
    text, file, key = wanted
    where = Location(file, tree.line_of(file, key))
    allowed = [version for version in KNOWN if _allows(text, version, where)]
    if not allowed and (old := [each for each in _OLD if _allows(text, each, where)]):
        _note(reasons, old[-1], f"it asks for {text}", where)
        return old[-1]
    if not allowed:
        raise StageFailed(
            f"no version of Python is both published and allowed: {file} asks for {text}",
            hint=f"Published are {', '.join(KNOWN)}. Name one with `python:` to go on regardless.",
            where=where,
        )
    return _fitting(allowed, f"it asks for {text}", where, dependencies, reasons)


def _short(version: str) -> str:
    short = re.match(r"\d+\.\d+", version)
    return short.group() if short else version


def _pinned(version: str, where: Location, reasons: Reasons) -> str:
    if version not in (*KNOWN, *_OLD):
        raise StageFailed(
            f"nobody publishes Python {version}, which {where.file} names",
            hint=f"Published are {', '.join(KNOWN)}. Is it newer than dockcycle? Name it with "
            "`python:`, and that is what is used.",
            where=where,
        )
    _note(reasons, version, "pinned", where)
    return version


def _note(reasons: Reasons, version: str, because: str, where: Location) -> None:
    if version not in KNOWN:
        because += "; not a version that is looked after, or one that came after dockcycle"
    reasons.note(
        "python", version, because, where.file, line=where.line, doubtful=version not in KNOWN
    )


def _fitting(
    allowed: list[str], because: str, where: Location | None, dependencies: Dependencies,
    reasons: Reasons,
) -> str:  # fmt: skip
    """A current version, or the newest that all dependencies have wheels for."""
    order = [version for version in (DEFAULT, *reversed(KNOWN)) if version in allowed]
    best = next((version for version in order if not _unfit(dependencies, version)), order[0])
    if best != order[0]:
        because += f", and {_unfit(dependencies, order[0])} has no wheel for {order[0]}"
        where = where or Location(dependencies.main)
    elif where is None:
        because += ", so a current one"
    where = where or Location("")
    reasons.note("python", best, because, where.file, line=where.line)
    return best


def _unfit(dependencies: Dependencies, version: str) -> str | None:
    if dependencies.lock:
        return dependencies.lock.unfit(version)
    asked = {name: wanted.specifier for name, wanted in dependencies.names.items()}
    return wheels.unfit(asked, version)


def _allows(wanted: str, version: str, where: Location) -> bool:
    """Does what pyproject.toml, setup.py or a Pipfile ask for allow some release of ``version``?

    Raises:
        StageFailed: it is no version specifier.
    """
    return any(_allows_all(each, version, wanted, where) for each in wanted.split("||"))


def _allows_all(each: str, version: str, wanted: str, where: Location) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    text = ",".join(_standard(part.strip()) for part in re.split(r"[,\s]+(?=[<>=!~^\d])", each))
    try:
        specifier = SpecifierSet(text)
    except InvalidSpecifier as error:
        raise StageFailed(
            f"{where.file} asks for a Python that is no version: {wanted}",
            hint='Write it as `requires-python = ">=3.11"`.',
            where=where,
        ) from error
    named = re.search(rf"==\s*{re.escape(version)}(?:\.\d+)?$", text) is not None
    return named or specifier.contains(f"{version}.999")


def _standard(part: str) -> str:
    """Poetry's ``^3.11``, ``~3.11``, ``3.11`` and ``*`` as everyone else writes them."""
    part = part.strip().replace(" ", "")
    if part in ("", "*"):
        return ">=3"
    if part.startswith("^"):
        return f">={part[1:]},<{int(part[1:].split('.')[0]) + 1}" if part[1:2].isdigit() else part
    if part.startswith("~") and not part.startswith("~="):
        numbers = part[1:].split(".")
        return f"=={'.'.join(numbers[:2])}.*"
    return f"=={part}" if part[0].isdigit() else part
