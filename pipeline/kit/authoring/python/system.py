"""Debian packages that Python packages need where they have no binary wheel that brings all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.kit.authoring.contract import Reasons
from pipeline.kit.authoring.python.dependencies import Dependencies

_COMPILER = ("gcc", "libc6-dev")


@dataclass(frozen=True)
class Needs:
    """Packages to build with, and packages to run with."""

    build: frozenset[str] = frozenset()
    run: frozenset[str] = frozenset()


_KNOWN: Mapping[str, Needs] = {
    "psycopg2": Needs(frozenset({*_COMPILER, "libpq-dev"}), frozenset({"libpq5"})),
    "mysqlclient": Needs(
        frozenset({*_COMPILER, "pkg-config", "default-libmysqlclient-dev"}),
        frozenset({"libmariadb3"}),
    ),
    "uwsgi": Needs(frozenset(_COMPILER)),
    "python-magic": Needs(run=frozenset({"libmagic1"})),
}
_PSYCOPG = Needs(run=frozenset({"libpq5"}))


def needs(dependencies: Dependencies, reasons: Reasons) -> Needs:
    """All that the known ones among ``dependencies`` need."""
    build: set[str] = set()
    run: set[str] = set()
    for name, extras in dependencies.names.items():
        known = _KNOWN.get(name)
        if name == "psycopg" and "binary" not in extras:
            known = _PSYCOPG
        if known is not None:
            build |= known.build
            run |= known.run
            told = ", ".join(sorted(known.build | known.run))
            reasons.note("system packages", told, f"{name} needs them", dependencies.main)
    if dependencies.needs_git:
        build.add("git")
        reasons.note(
            "system packages", "git", "a requirement is a git repository", dependencies.main
        )
    return Needs(frozenset(build), frozenset(run))
