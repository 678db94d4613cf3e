"""Which of the differences are meant, and how each is made again."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from pipeline.kit.capture import leave
from pipeline.kit.capture.accounts import Accounts
from pipeline.kit.capture.brought import AUTHORITIES, Brought
from pipeline.kit.capture.evidence import Evidence
from pipeline.kit.capture.npm import Node
from pipeline.kit.capture.pip import Site
from pipeline.kit.capture.settings import Started, started
from pipeline.kit.capture.snapshot import Entry

_APT_FOLDERS = ("/etc/apt/sources.list.d", "/etc/apt/keyrings", "/etc/apt/trusted.gpg.d",
                "/etc/apt/preferences.d", "/usr/share/keyrings")  # fmt: skip
_APT_FILES = ("/etc/apt/sources.list", "/etc/apt/preferences")


@dataclass(frozen=True)
class Left:
    """Paths that are left out, for one reason."""

    why: str
    paths: tuple[str, ...]
    worth_a_look: bool = False
    """The rebuilt image may miss them."""


@dataclass(frozen=True)
class Plan:
    """``entries`` are files, links and folders to be put back; ``tuned`` are those of which only
    owner or mode is another than the image or a package makes it; ``removed`` are paths to be taken
    away."""

    base: str
    entries: Mapping[str, Entry]
    tuned: Mapping[str, Entry]
    there: frozenset[str]
    """Folders that exist before anything is put back."""
    removed: tuple[str, ...]
    packages: tuple[str, ...]
    """Debian's, asked for."""
    recommended: tuple[str, ...]
    versions: Mapping[str, str]
    purged: tuple[str, ...]
    sites: tuple[Site, ...]
    node: Node
    accounts: Accounts
    started: Started
    left: tuple[Left, ...]

    @property
    def authorities(self) -> bool:
        """Are there certificates of authorities to be taken up?"""
        return any(leave.is_below(path, [AUTHORITIES]) for path in self.entries)

    def removing(self, paths: Iterable[str]) -> Plan:
        """The same, with more to be taken away."""
        return replace(self, removed=tuple(sorted({*self.removed, *paths})))


def plan(evidence: Evidence) -> Plan:
    """Decide for every path that differs."""
    return _Planner(evidence).plan()


def is_early(path: str) -> bool:
    """Has it to be there before packages are installed?"""
    for_apt = path in _APT_FILES or posixpath.dirname(path) in _APT_FOLDERS
    return for_apt or leave.is_below(path, [AUTHORITIES])


@dataclass
class _Planner:
    evidence: Evidence
    left: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    alarming: set[str] = field(default_factory=set)

    def plan(self) -> Plan:
        brought, debian = self._brought, self._brought.debian
        entries, tuned = self._sorted()
        if debian.upgraded:
            self.left[self._alarm("upgraded packages of the image: a newer base has them")] += [
                f"{name} {debian.now[name].version}" for name in sorted(debian.upgraded)
            ]
        return Plan(
            base=self.evidence.base, entries=entries, tuned=tuned | brought.given_away,
            there=brought.folders, removed=tuple(sorted([*debian.dropped, *self._deleted()])),
            packages=tuple(debian.asked), recommended=tuple(debian.recommended),
            versions={name: debian.now[name].version for name in debian.new},
            purged=tuple(debian.removed), sites=tuple(brought.sites), node=brought.node,
            accounts=brought.accounts, started=started(self.evidence),
            left=tuple(
                Left(why, tuple(sorted(paths)), why in self.alarming)
                for why, paths in self.left.items()
            ),
        )  # fmt: skip

    @cached_property
    def _brought(self) -> Brought:
        return Brought(self.evidence)

    def _sorted(self) -> tuple[dict[str, Entry], dict[str, Entry]]:
        entries: dict[str, Entry] = {}
        tuned: dict[str, Entry] = {}
        for entry in self.evidence.altered():
            why = self._left_out(entry)
            if why is None:
                old = self.evidence.before.entries.get(entry.path)
                same = old is not None and old.content == entry.content
                (tuned if same else entries)[entry.path] = entry
            elif why:
                self.left[why].append(entry.path)
        return self._without_idle_folders(entries), tuned

    def _left_out(self, entry: Entry) -> str | None:
        """Why it is; an empty text for what goes without saying, None for what stays."""
        path = entry.path
        if leave.is_below(path, [mount.target for mount in self.evidence.container.mounts]):
            return ""
        if trace := leave.trace(path) or leave.trace(f"{path}/"):
            return trace if entry.kind != "folder" else ""
        if self._brought.covers(entry):
            return ""
        if not leave.is_sayable(path + entry.link):
            return self._alarm("a Dockerfile cannot say such a name")
        if self._brought.is_programs_own(entry):
            return "folders that a program makes for itself"
        if entry.kind == "other":
            return "sockets and devices"
        if leave.is_data(path):
            return self._alarm("data of a database: mount a volume there")
        if entry.kind != "folder" and (leave.is_secret(path) or entry.secret):
            return self._alarm("it looks like a secret: mount it at run time")
        return None

    def _alarm(self, why: str) -> str:
        self.alarming.add(why)
        return why

    def _deleted(self) -> Iterator[str]:
        """What was taken away from the image by hand."""
        debian, evidence = self._brought.debian, self.evidence
        lists = (f"/var/lib/dpkg/info/{name}.list" for name in debian.removed)
        purged = {line for path in lists for line in evidence.before.text(path).splitlines()}
        for path, kind in evidence.kinds.items():
            by_pip = "/site-packages/" in path or "/dist-packages/" in path
            known = leave.trace(path) or path in purged or by_pip or not leave.is_sayable(path)
            if kind == "deleted" and not known:
                yield path

    def _without_idle_folders(self, entries: Mapping[str, Entry]) -> dict[str, Entry]:
        """Folders that come by themselves, with what is in them, are left out."""
        full = {above for path, entry in entries.items() if entry.kind != "folder"
                for above in leave.above(path)}  # fmt: skip
        return {
            path: entry
            for path, entry in entries.items()
            if entry.kind != "folder"
            or (path not in full and path not in self._brought.folders)
            or (path in full and (entry.mode, entry.uid, entry.gid) != (0o755, 0, 0))
        }
