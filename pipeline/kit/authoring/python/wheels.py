"""Packages that are compiled, and from which version on they have wheels for which Python.

An app that pins an older one is given an older Python: without a wheel pip would compile for
minutes, and most likely fail. What has wheels for every Python (``abi3``) need not be here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_FIRST: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "aiohttp": {"3.11": ("3.8.3",), "3.12": ("3.9",), "3.13": ("3.10.11",)},
    "asyncpg": {"3.11": ("0.27",), "3.12": ("0.29",), "3.13": ("0.30",)},
    "cffi": {"3.11": ("1.15.1",), "3.12": ("1.16",), "3.13": ("1.17",)},
    "django": {"3.13": ("4.2",)},
    "frozenlist": {"3.12": ("1.4.1",), "3.13": ("1.5",)},
    "gevent": {"3.11": ("22.10",), "3.12": ("23.9",), "3.13": ("24.10",)},
    "greenlet": {"3.11": ("2.0",), "3.12": ("3.0",), "3.13": ("3.1",)},
    "grpcio": {"3.11": ("1.49.1",), "3.12": ("1.59",), "3.13": ("1.66.2",)},
    "httptools": {"3.12": ("0.6.1",), "3.13": ("0.6.4",)},
    "lxml": {"3.11": ("4.9.2",), "3.12": ("4.9.3",), "3.13": ("5.3",)},
    "matplotlib": {"3.11": ("3.6.1",), "3.12": ("3.8",), "3.13": ("3.9.2",)},
    "multidict": {"3.12": ("6.0.5",), "3.13": ("6.1",)},
    "numba": {"3.11": ("0.57",), "3.12": ("0.59",), "3.13": ("0.61",)},
    "numpy": {"3.10": ("1.21.3",), "3.11": ("1.23.3",), "3.12": ("1.26",), "3.13": ("2.1",)},
    "orjson": {"3.12": ("3.9.7",), "3.13": ("3.10.7",)},
    "pandas": {"3.10": ("1.3.4",), "3.11": ("1.5.1",), "3.12": ("2.1.1",), "3.13": ("2.2.3",)},
    "pillow": {"3.11": ("9.3",), "3.12": ("10.1",), "3.13": ("11",)},
    "psycopg2-binary": {"3.11": ("2.9.5",), "3.12": ("2.9.9",), "3.13": ("2.9.10",)},
    "pyarrow": {"3.11": ("10.0.1",), "3.12": ("14",), "3.13": ("18",)},
    "pydantic": {"3.12": ("1.10.16", "2.3"), "3.13": ("1.10.19", "2.8")},
    "pydantic-core": {"3.12": ("2.6.3",), "3.13": ("2.20",)},
    "pyyaml": {"3.11": ("6.0",), "3.12": ("6.0.1",), "3.13": ("6.0.2",)},
    "regex": {"3.12": ("2023.10.3",), "3.13": ("2024.9.11",)},
    "scikit-learn": {"3.11": ("1.2",), "3.12": ("1.3.2",), "3.13": ("1.5.2",)},
    "scipy": {"3.11": ("1.9.3",), "3.12": ("1.11.2",), "3.13": ("1.14.1",)},
    "six": {"3.12": ("1.16",)},
    "sqlalchemy": {"3.13": ("1.4.54", "2.0.31")},
    "tensorflow": {"3.11": ("2.12",), "3.12": ("2.16",), "3.13": ("2.20",)},
    "tiktoken": {"3.12": ("0.5.2",), "3.13": ("0.8",)},
    "torch": {"3.11": ("2.0",), "3.12": ("2.2",), "3.13": ("2.6",)},
    "urllib3": {"3.12": ("1.26.17", "2.0")},
    "uvloop": {"3.11": ("0.17",), "3.12": ("0.19",), "3.13": ("0.21",)},
    "watchfiles": {"3.12": ("0.21",), "3.13": ("0.24",)},
    "yarl": {"3.12": ("1.9.3",), "3.13": ("1.11",)},
}  # fmt: skip
"""Package → Python → first version with wheels, one for each major version that is looked after."""


def unfit(names: Mapping[str, str], python: str) -> str | None:
    """A package whose version range allows none with wheels for ``python``.

    ``names`` are normalised names and their version specifiers.
    """
    for name, specifier in names.items():
        firsts = _FIRST.get(name, {}).items()
        needed = [first for since, first in firsts if order(since) <= order(python)]
        if specifier and needed and not _allows_from(specifier, needed[-1]):
            return f"{name}{specifier}"
    return None


def order(python: str) -> tuple[int, ...]:
    """3.9 before 3.10."""
    return tuple(int(part) for part in python.split(".") if part.isdigit())


def _allows_from(specifier: str, firsts: tuple[str, ...]) -> bool:
    """Does the range allow a version that is not older than the first of its major version?"""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import Version

    try:
        allowed = SpecifierSet(specifier)
    except InvalidSpecifier:
        return True
    bounds = [Version(first) for first in firsts]
    named = [Version(match) for match in re.findall(r"\d+(?:\.\d+)*", specifier)]
    below = [Version(each.version) for each in allowed if each.operator == "<"]
    probes = [*bounds, *named, Version("9999"), *(Version(f"{_before(top)}") for top in below)]
    return any(
        version in allowed
        and (version >= bounds[-1] or any(
            version.major == bound.major and version >= bound for bound in bounds
        ))
        for version in probes
    )  # fmt: skip


def _before(version: object) -> str:
    """A version right below: ``1.26.9999`` for 1.27, ``1.9999`` for 2."""
    parts = [int(part) for part in str(version).split(".") if part.isdigit()]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return ".".join(map(str, [*parts[:-1], max(parts[-1] - 1, 0), 9999]))
