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


def _compiled(*build: str, run: tuple[str, ...] = ()) -> Needs:
    return Needs(frozenset({*_COMPILER, *build}), frozenset(run))


def _loaded(*run: str) -> Needs:
    return Needs(run=frozenset(run))


_PANGO = ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
_KNOWN: Mapping[str, Needs] = {
    "psycopg2": _compiled("libpq-dev", run=("libpq5",)),
    "mysqlclient": _compiled("pkg-config", "default-libmysqlclient-dev", run=("libmariadb3",)),
    "mariadb": _compiled("libmariadb-dev", run=("libmariadb3",)),
    "pycairo": _compiled("pkg-config", "libcairo2-dev", run=("libcairo2",)),
    "pygraphviz": _compiled("graphviz-dev", run=("graphviz",)),
    "python-ldap": _compiled("libldap-dev", "libsasl2-dev", run=("ldap-utils",)),
    "pyaudio": _compiled("portaudio19-dev", run=("libportaudio2",)),
    "uwsgi": _compiled(),
    "netifaces": _compiled(),
    "python-magic": _loaded("libmagic1"),
    "pyodbc": _loaded("unixodbc"),
    "weasyprint": _loaded(*_PANGO),
    "cairosvg": _loaded("libcairo2"),
    "cairocffi": _loaded("libcairo2"),
    "opencv-python": _loaded("libgl1", "libglib2.0-0"),
    "opencv-contrib-python": _loaded("libgl1", "libglib2.0-0"),
    "pdf2image": _loaded("poppler-utils"),
    "pytesseract": _loaded("tesseract-ocr"),
    "pyzbar": _loaded("libzbar0"),
    "pydub": _loaded("ffmpeg"),
    "ffmpeg-python": _loaded("ffmpeg"),
    "graphviz": _loaded("graphviz"),
    "gitpython": _loaded("git"),
    "xgboost": _loaded("libgomp1"),
    "lightgbm": _loaded("libgomp1"),
}
"""What needs more than its wheel has, or has no wheel."""
_PSYCOPG = _loaded("libpq5")
_PSYCOPG_COMPILED = _compiled("libpq-dev", run=("libpq5",))
_FROM_SOURCE: Mapping[str, Needs] = {
    "pillow": _compiled(
        "libjpeg62-turbo-dev", "zlib1g-dev", "libfreetype-dev",
        run=("libjpeg62-turbo", "libfreetype6"),
    ),
    "lxml": _compiled("libxml2-dev", "libxslt1-dev", run=("libxml2", "libxslt1.1")),
    "cffi": _compiled("libffi-dev"),
    "pyyaml": _compiled(),
    "cryptography": _compiled("libssl-dev", "pkg-config", "cargo"),
}  # fmt: skip
"""What those need that have wheels, when the project asks for their source all the same."""


def needs(dependencies: Dependencies, from_source: frozenset[str], reasons: Reasons) -> Needs:
    """All that the known ones among ``dependencies`` need. ``from_source`` are packages that are
    compiled although they have wheels; ``:all:`` is every one."""
    build: set[str] = set()
    run: set[str] = set()
    for name, wanted in dependencies.names.items():
        known = _KNOWN.get(name)
        if name == "psycopg" and "c" in wanted.extras:
            known = _PSYCOPG_COMPILED
        elif name == "psycopg" and "binary" not in wanted.extras:
            known = _PSYCOPG
        elif {name, ":all:"} & from_source:
            known = _FROM_SOURCE.get(name, _compiled())
        if known is not None:
            build |= known.build
            run |= known.run
            told = ", ".join(sorted(known.build | known.run))
            reasons.note("system packages", told, f"{name} needs them", dependencies.main)
    if dependencies.sources - set(_KNOWN):
        build |= set(_COMPILER)
        because = f"{min(dependencies.sources)} has no wheel, and may be compiled"
        reasons.note("system packages", ", ".join(_COMPILER), because, dependencies.main)
    if dependencies.needs_git:
        build.add("git")
        reasons.note(
            "system packages", "git", "a requirement is a git repository", dependencies.main
        )
    return Needs(frozenset(build), frozenset(run))
