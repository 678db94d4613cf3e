"""What composer.json says, and which extensions and system packages follow from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.php import FILE
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.authoring.versions import check, pinned

LOCK = "composer.lock"
DEFAULT = "8.4"
KNOWN = ("8.2", "8.3", "8.4", "8.5")
"""Versions that have an image and are looked after, oldest first."""

_BUILT_IN = frozenset({
    "ctype", "curl", "date", "dom", "fileinfo", "filter", "ftp", "hash", "iconv", "json", "libxml",
    "mbstring", "mysqlnd", "openssl", "pcre", "pdo", "pdo_sqlite", "phar", "posix", "readline",
    "reflection", "session", "simplexml", "sodium", "spl", "sqlite3", "standard", "tokenizer",
    "xml", "xmlreader", "xmlwriter", "zlib",
})  # fmt: skip
"""In every official image."""
_OWN = frozenset({
    "bcmath", "calendar", "exif", "gd", "gettext", "gmp", "intl", "ldap", "mysqli", "opcache",
    "pcntl", "pdo_mysql", "pdo_pgsql", "pgsql", "shmop", "soap", "sockets", "sysvmsg", "sysvsem",
    "sysvshm", "xsl", "zip",
})  # fmt: skip
"""In PHP's sources: ``docker-php-ext-install`` compiles them."""
_NEEDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "gd": (("libfreetype-dev", "libjpeg62-turbo-dev", "libpng-dev"),
           ("libfreetype6", "libjpeg62-turbo", "libpng16-16t64")),
    "gmp": (("libgmp-dev",), ("libgmp10",)),
    "intl": (("libicu-dev",), ("libicu76",)),
    "ldap": (("libldap-dev",), ("libldap2",)),
    "pdo_pgsql": (("libpq-dev",), ("libpq5",)),
    "pgsql": (("libpq-dev",), ("libpq5",)),
    "soap": (("libxml2-dev",), ()),
    "xsl": (("libxslt1-dev",), ("libxslt1.1",)),
    "zip": (("libzip-dev",), ("libzip5",)),
}  # fmt: skip
"""Extension → Debian packages to compile it, and to run it, on Debian 13."""


@dataclass(frozen=True)
class Extensions:
    compiled: tuple[str, ...] = ()
    pecl: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    """Debian packages."""
    run: tuple[str, ...] = ()


@dataclass(frozen=True)
class Composer:
    """Raises ``StageFailed`` from every property when composer.json is broken."""

    tree: Tree

    @cached_property
    def data(self) -> Mapping[str, Any]:
        return self.tree.json(FILE)

    @cached_property
    def required(self) -> Mapping[str, str]:
        found = self.data.get("require")
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}

    @property
    def locked(self) -> bool:
        return self.tree.has(LOCK)

    @property
    def has_packages(self) -> bool:
        """Is there anything to install or to load?"""
        packages = [name for name in self.required if "/" in name]
        return bool(packages or self.data.get("autoload"))

    @property
    def needs_code(self) -> bool:
        """Are some of the packages folders of the app?"""
        repositories = self.data.get("repositories", ())
        entries = repositories.values() if isinstance(repositories, dict) else repositories
        return any(isinstance(each, dict) and each.get("type") == "path" for each in entries)

    def version(self, wishes: Wishes, reasons: Reasons) -> str:
        """Minor version: what is pinned, else the default if composer.json allows it."""
        if wishes.php:
            return _noted(reasons, wishes.php, "asked for by `php:`", "pipeline.yml")
        for version, file, line in pinned(self.tree, "php", ".php-version"):
            return _noted(reasons, version, "pinned", file, line)
        wanted = self.required.get("php", "")
        line = self.tree.line_of(FILE, '"php"')
        for version in (DEFAULT, *reversed(KNOWN)):
            if wanted and allows(wanted, version):
                reasons.note("php", version, f"require.php is {wanted}", FILE, line=line)
                return version
        because = "no file names a version, so a current one"
        if wanted:
            because = f"no version that is looked after is one of {wanted}"
            check("php", wanted, FILE, self.tree.line_of(FILE, '"php"'))
        reasons.note("php", DEFAULT, because, FILE if wanted else "", doubtful=bool(wanted))
        return DEFAULT

    def extensions(self, reasons: Reasons, *more: str) -> Extensions:
        """All that composer.json and its lock ask for, and ``more``, which the image lacks."""
        names = {name.lower().replace("-", "_") for name in (*self._extensions(), *more)}
        missing = sorted(names - _BUILT_IN - {"zend_opcache"})
        compiled = tuple(name for name in missing if name in _OWN)
        pecl = tuple(name for name in missing if name not in _OWN)
        needs = [_NEEDS[name] for name in compiled if name in _NEEDS]
        if missing:
            reasons.note(
                "extensions",
                ", ".join(missing),
                "the app asks for them",
                FILE if self.tree.has(FILE) else "",
            )
        return Extensions(
            compiled, pecl,
            tuple(sorted({package for build, _ in needs for package in build})),
            tuple(sorted({package for _, run in needs for package in run})),
        )  # fmt: skip

    def _extensions(self) -> list[str]:
        lock = self.tree.json(LOCK)
        requirements = [self.required, lock.get("platform")]
        requirements += [each.get("require") for each in lock.get("packages", ())]
        return [
            name.removeprefix("ext-")
            for each in requirements
            if isinstance(each, dict)
            for name in each
            if name.startswith("ext-")
        ]


def allows(wanted: str, version: str) -> bool:
    """Does a Composer constraint allow the newest release of minor ``version``?"""
    return any(
        all(_meets(part, version) for part in re.split(r"\s+|,\s*", option.strip()) if part)
        for option in re.split(r"\|\|?", re.sub(r"([<>=~^!]+)\s+", r"\1", wanted))
    )


def _meets(part: str, version: str) -> bool:
    match = re.match(r"(\^|~|>=|<=|>|<|!=|==?)?v?(\d+)(?:\.(\d+|\*))?(\.\d+|\.\*)?", part)
    if match is None:
        return True
    sign, major, minor = match[1], int(match[2]), match[3]
    have = tuple(int(number) for number in version.split("."))
    bound = (major, int(minor) if minor and minor != "*" else 0)
    any_minor = minor in (None, "*")
    match sign:
        case "^":
            return have[0] == major and have >= bound
        case "~":
            return have >= bound and (have[0] == major if match[4] is None else have == bound)
        case ">=" | ">":
            return have >= bound
        case "<":
            return have < bound
        case "<=":
            return have <= bound
        case "!=":
            return True
    return have[0] == major and (any_minor or have == bound)


def _noted(reasons: Reasons, version: str, because: str, file: str, line: int | None = None) -> str:
    short = re.match(r"\d+\.\d+", version)
    chosen = short.group() if short else version
    if chosen not in KNOWN:
        because += "; not a version that is looked after, or one that came after dockcycle"
    reasons.note("php", chosen, because, file, line=line, doubtful=chosen not in KNOWN)
    return chosen
