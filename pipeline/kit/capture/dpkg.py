"""What Debian's package tools added to a container since its image."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from pipeline.kit.capture.evidence import Evidence
from pipeline.kit.capture.snapshot import Entry

STATUS = "/var/lib/dpkg/status"
_INFO = "/var/lib/dpkg/info"
_STATES = "/var/lib/apt/extended_states"
_LOG = "/var/log/dpkg.log"
_UCF = "/var/lib/ucf/hashfile"
"""Configuration that packages bring by another way than dpkg's own."""
_PAUSE = 3
"""Seconds between two calls of dpkg by one apt."""
_ZONE = 900
"""Seconds; time zones differ by multiples of it."""
_MERGED = re.compile(r"/(?=(?:bin|sbin|lib|lib32|lib64|libx32)/)")
"""Where packages may still name what has moved below ``/usr``."""

_LINKED = re.compile(r"^\s*ln -[a-z]*s[a-z]* [^\s;]+ (/etc/[\w./+-]+)\s*$", re.MULTILINE)
"""A link that a script makes."""


@dataclass(frozen=True)
class Package:
    name: str
    architecture: str
    version: str
    depends: tuple[tuple[str, ...], ...] = ()
    """Each is a choice of names."""
    provides: tuple[str, ...] = ()
    conffiles: Mapping[str, str] | None = None
    """Path → MD5."""

    def note(self, kind: str) -> Iterator[str]:
        """Paths where dpkg keeps a ``kind`` of note about it."""
        yield f"{_INFO}/{self.name}.{kind}"
        yield f"{_INFO}/{self.name}:{self.architecture}.{kind}"


def packages(status: str) -> dict[str, Package]:
    """The installed packages of a ``status`` file, by name."""
    found = {}
    for block in re.split(r"\n\n+", status):
        fields = _fields(block)
        if fields.get("Status", "").endswith(" ok installed"):
            found[fields["Package"]] = Package(
                name=fields["Package"],
                architecture=fields.get("Architecture", ""),
                version=fields.get("Version", ""),
                depends=(*_names(fields.get("Pre-Depends")), *_names(fields.get("Depends"))),
                provides=tuple(choice[0] for choice in _names(fields.get("Provides"))),
                conffiles=_conffiles(fields.get("Conffiles", "")),
            )
    return found


def _fields(block: str) -> dict[str, str]:
    """Of a stanza: name → value, continued lines and all."""
    pairs = (part.partition(":") for part in re.split(r"\n(?! )", block.strip("\n")))
    return {name: value.strip() for name, _, value in pairs}


def _names(text: str | None) -> Iterator[tuple[str, ...]]:
    for choice in (text or "").split(","):
        names = (re.match(r"[\w.+-]+", name.strip()) for name in choice.split("|"))
        if found := tuple(match[0] for match in names if match):
            yield found


def _conffiles(text: str) -> dict[str, str]:
    """A line is path, MD5, and ``obsolete`` for one that is of no use any more."""
    return {words[0]: words[1] for line in text.splitlines() if len(words := line.split()) >= 2}


class Debian:
    """The packages of a container beside those of its image."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.now = packages(evidence.now.text(STATUS))
        self.before = packages(evidence.before.text(STATUS))
        self.new = sorted(self.now.keys() - self.before.keys())
        self.removed = sorted(self.before.keys() - self.now.keys())
        self.upgraded = [
            name for name, package in self.now.items()
            if name in self.before and self.before[name].version != package.version
        ]  # fmt: skip

    # which

    @cached_property
    def asked(self) -> list[str]:
        """The new ones that somebody asked for."""
        states = self._evidence.now.text(_STATES)
        blocks = (_fields(block) for block in re.split(r"\n\n+", states))
        auto = {b.get("Package") for b in blocks if b.get("Auto-Installed") == "1"}
        return [name for name in self.new if name not in auto]

    @cached_property
    def recommended(self) -> list[str]:
        """New ones that nobody asked for and none of those needs: they came as recommendations. As
        few as bring the others with them."""
        left = set(self.new) - self._with_needs(self.asked)
        needs = {name: self._with_needs([name]) for name in left}
        roots = {name for name in left if not any(name in needs[o] for o in left if o != name)}
        covered = self._with_needs(roots)
        return sorted(roots | (left - covered))

    def _with_needs(self, names: Iterable[str]) -> set[str]:
        found: set[str] = set()
        queue = [name for name in names if name in self.now]
        while queue:
            name = queue.pop()
            if name not in found:
                found.add(name)
                queue += self._met(self.now[name].depends)
        return found

    def _met(self, depends: Sequence[tuple[str, ...]]) -> Iterator[str]:
        for choice in depends:
            direct = [name for name in choice if name in self.now]
            yield from direct[:1] or [p for name in choice for p in self._providers.get(name, [])]

    @cached_property
    def _providers(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for package in self.now.values():
            for name in package.provides:
                found.setdefault(name, []).append(package.name)
        return found

    # what they brought

    @cached_property
    def owned(self) -> Mapping[str, str]:
        """Path → MD5 as the package brought it (empty where it does not say), of packages that are
        new or of another version."""
        found: dict[str, str] = {}
        for name in (*self.new, *self.upgraded):
            package = self.now[name]
            found |= dict.fromkeys(self._lines(package, "list"), "")
            for line in self._lines(package, "md5sums"):
                md5, _, path = line.partition("  ")
                found["/" + path] = md5
            found |= package.conffiles or {}
        for line in self._evidence.now.text(_UCF).splitlines():
            md5, _, path = line.partition("  ")
            found[path] = md5
        return found | {_MERGED.sub("/usr/", path): md5 for path, md5 in found.items()}

    @cached_property
    def dropped(self) -> list[str]:
        """What new packages bring below ``/etc`` and that is not there any more: configuration
        files, and links that they make when they are set up."""
        brought = {path for name in self.new for path in self.now[name].conffiles or {}}
        brought |= {match[1] for match in _LINKED.finditer(self.scripts)}
        return sorted(brought - self._evidence.now.entries.keys())

    @cached_property
    def scripts(self) -> str:
        """What new packages run, and the accounts that they declare."""
        notes = [
            line
            for name in self.new
            for kind in ("preinst", "postinst")
            for line in self._lines(self.now[name], kind)
        ]
        declared = [
            self._evidence.now.text(path)
            for path in self._evidence.now.kept
            if "/sysusers.d/" in path
        ]
        return "\n".join([*notes, *declared])

    def _lines(self, package: Package, kind: str) -> list[str]:
        texts = (self._evidence.now.text(path) for path in package.note(kind))
        return [line for text in texts for line in text.splitlines() if line]

    def copied(self, entry: Entry) -> bool:
        """Is it a file of a package, put to another place under its own name, as scripts do?"""
        name = posixpath.basename(entry.path)
        return entry.kind == "file" and name in self._names.get(entry.md5, ())

    @cached_property
    def _names(self) -> Mapping[str, set[str]]:
        """MD5 → how files of packages with that content are called, with and without an ending."""
        found: dict[str, set[str]] = {}
        for path, md5 in self.owned.items():
            name = posixpath.basename(path)
            found.setdefault(md5, set()).update((name, name.partition("-")[0]))
        found.pop("", None)
        return found

    # when

    def wrote(self, entry: Entry) -> bool:
        """Is it from strictly within a time at which packages were being set up? A second at the
        edge may be anybody's."""
        return any(start < entry.mtime < end for start, end in self._spans)

    @cached_property
    def _spans(self) -> list[tuple[float, float]]:
        """From the first to the last word of dpkg, for each time that apt called it."""
        spans: list[tuple[float, float]] = []
        for moment, line in self._said:
            begins = " startup " in line and (not spans or moment - spans[-1][1] > _PAUSE)
            if begins or not spans:
                spans.append((moment, moment))
            else:
                spans[-1] = spans[-1][0], moment
        return spans

    @cached_property
    def _said(self) -> list[tuple[float, str]]:
        """Unix time and text of the lines of dpkg's log. It is in local time, whatever that was:
        the last line is as old as the file."""
        lines = self._evidence.now.text(_LOG).splitlines()
        said = [(moment, line) for line in lines if (moment := _moment(line)) is not None]
        if not said:
            return []
        off = said[-1][0] - self._evidence.now.entries[_LOG].mtime
        zone = round(off / _ZONE) * _ZONE
        return [(moment - zone, line) for moment, line in said]


def _moment(line: str) -> float | None:
    """As if it were in UTC."""
    try:
        return datetime.fromisoformat(line[:19]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
