"""What Gemfile and Gemfile.lock say: gems, version, and what has to be installed for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pipeline.kit.authoring.contract import Reasons, Wishes
from pipeline.kit.authoring.ruby import FILE
from pipeline.kit.authoring.tree import Tree
from pipeline.kit.authoring.versions import check, pinned

LOCK = "Gemfile.lock"
DEFAULT = "3.4"
KNOWN = ("3.3", "3.4", "4.0")
"""Versions that have an image and are looked after, oldest first."""
_LOCKED = re.compile(r"^    ([\w.-]+) \(", re.MULTILINE)
_DECLARED = re.compile(r"^\s*gem[ (]+[\"']([\w.-]+)[\"']", re.MULTILINE)
_RUBY = re.compile(r"^\s*ruby[ (]+[\"']\s*(~>|>=)?\s*(\d+(?:\.\d+)*)[\"']", re.MULTILINE)
_NEEDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "pg": (("libpq-dev",), ("libpq5",)),
    "mysql2": (("default-libmysqlclient-dev",), ("libmariadb3",)),
    "sqlite3": (("libsqlite3-dev",), ("libsqlite3-0",)),
    "psych": (("libyaml-dev",), ("libyaml-0-2",)),
    "rmagick": (("libmagickwand-dev",), ("libmagickwand-7.q16-10",)),
    "ruby-vips": ((), ("libvips42t64",)),
    "charlock_holmes": (("libicu-dev",), ("libicu76",)),
}
"""Gem → Debian packages to compile it, and to run it, on Debian 13."""
_TOOLS = ("build-essential", "git", "pkg-config")


@dataclass(frozen=True)
class Needs:
    build: frozenset[str]
    run: frozenset[str]


@dataclass(frozen=True)
class Bundle:
    tree: Tree

    @property
    def exists(self) -> bool:
        return self.tree.has(FILE)

    @property
    def locked(self) -> bool:
        return self.tree.has(LOCK)

    @cached_property
    def gems(self) -> frozenset[str]:
        """Names of all that the lock has, or of those that the Gemfile has."""
        if self.locked:
            return frozenset(_LOCKED.findall(self.tree.read(LOCK)))
        return frozenset(_DECLARED.findall(self.tree.read(FILE)))

    def has(self, *names: str) -> bool:
        return any(name in self.gems for name in names)

    def files(self) -> list[str]:
        """What has to be there before gems can be installed."""
        named = [FILE, LOCK, ".ruby-version", ".tool-versions"]
        return [path for path in named if self.tree.has(path)]

    def needs(self, reasons: Reasons) -> Needs:
        build, run = set(_TOOLS), set[str]()
        for gem, (compile_with, run_with) in _NEEDS.items():
            if gem in self.gems:
                build |= {*compile_with}
                run |= {*run_with}
                told = ", ".join((*compile_with, *run_with))
                reasons.note("system packages", told, f"{gem} needs them", LOCK)
        return Needs(frozenset(build), frozenset(run))

    def version(self, wishes: Wishes, reasons: Reasons) -> str:
        """Minor version; with its patch where the Gemfile takes no other."""
        if wishes.ruby:
            return _noted(reasons, wishes.ruby, "asked for by `ruby:`", "pipeline.yml")
        if match := _RUBY.search(self.tree.read(FILE)):
            line = self.tree.line_of(FILE, match[0].strip())
            check("ruby", match[2], FILE, line)
            if match[1] == ">=":
                chosen = max(DEFAULT, ".".join(match[2].split(".")[:2]))
                reasons.note("ruby", chosen, f"it asks for {match[2]} at least", FILE, line=line)
                return chosen
            exact = match[1] is None and match[2].count(".") == 2
            return _noted(reasons, match[2], "pinned", FILE, line, exact=exact)
        for version, file, line in pinned(self.tree, "ruby", ".ruby-version"):
            check("ruby", version, file, line)
            return _noted(reasons, version, "pinned", file, line)
        if match := re.search(r"^RUBY VERSION\s+ruby (\d+\.\d+)", self.tree.read(LOCK), re.M):
            line = self.tree.line_of(LOCK, "RUBY VERSION")
            return _noted(reasons, match[1], "the lock was made with it", LOCK, line)
        reasons.note("ruby", DEFAULT, "no file names a version, so a current one")
        return DEFAULT


def _noted(
    reasons: Reasons, version: str, because: str, file: str, line: int | None = None, *,
    exact: bool = False,
) -> str:  # fmt: skip
    short = re.match(r"\d+\.\d+", version)
    minor = short.group() if short else version
    chosen = version if exact else minor
    if minor not in KNOWN:
        because += "; not a version that is looked after, or one that came after dockcycle"
    reasons.note("ruby", chosen, because, file, line=line, doubtful=minor not in KNOWN)
    return chosen
