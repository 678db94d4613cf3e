"""What is in a container because a package manager, or ``useradd``, put it there."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property

from pipeline.kit.capture import leave
from pipeline.kit.capture.accounts import Accounts, accounts
from pipeline.kit.capture.dpkg import Debian
from pipeline.kit.capture.evidence import SKELETON, Evidence
from pipeline.kit.capture.npm import Node, node
from pipeline.kit.capture.pip import Site, sites
from pipeline.kit.capture.snapshot import Entry

AUTHORITIES = "/usr/local/share/ca-certificates"
_MADE_OF_THEM = "/etc/ssl/certs"


@dataclass
class Brought:
    """Everything that comes back when the same is installed again."""

    evidence: Evidence

    @cached_property
    def debian(self) -> Debian:
        return Debian(self.evidence)

    @cached_property
    def sites(self) -> list[Site]:
        return sites(self.evidence, self.debian.owned)

    @cached_property
    def node(self) -> Node:
        return node(self.evidence, self.debian.owned)

    @cached_property
    def accounts(self) -> Accounts:
        return accounts(self.evidence, self.debian.scripts)

    def covers(self, entry: Entry) -> bool:
        """Is it as a package manager or ``useradd`` makes it?"""
        path = entry.path
        if (md5 := self.debian.owned.get(path)) is not None:
            made = entry.kind != "file" or md5 == entry.md5
            return made or (not md5 and self.debian.wrote(entry))
        return (
            self.node.covers(path, entry.link)
            or entry.link.startswith("/etc/alternatives/")
            or any(site.covers(path) or site.has(path, entry.sha256) for site in self.sites)
            or (self._has_authorities and leave.is_below(path, [_MADE_OF_THEM]))
            or self._is_in_new_home(entry)
            or self.debian.wrote(entry)
            or self.debian.copied(entry)
        )

    def is_programs_own(self, entry: Entry) -> bool:
        """An empty folder in one that a new package brought: its program made it for itself."""
        above = posixpath.dirname(entry.path)
        brought = above in self.debian.owned and above not in self.evidence.before.entries
        return entry.kind == "folder" and brought and entry.path not in self.evidence.full

    @cached_property
    def folders(self) -> frozenset[str]:
        """Folders that are there before anything is put back: the image, or what is installed,
        brings them."""
        found = set()
        for path, entry in self.evidence.now.entries.items():
            if entry.kind == "folder":
                known = path in self.evidence.before.entries or self.covers(entry)
                found |= {path} if known else set()
            elif path in self.evidence.kinds and not leave.trace(path) and self.covers(entry):
                found |= set(leave.above(path))
        return frozenset(found)

    @cached_property
    def given_away(self) -> dict[str, Entry]:
        """What packages brought and somebody else than root owns now. The package may have done
        that: doing it again does no harm."""
        entries = (self.evidence.now.entries.get(path) for path in self.debian.owned)
        return {
            entry.path: entry
            for entry in entries
            if entry is not None
            and entry.kind in ("file", "folder")
            and self.evidence.owner(entry)
            and entry.path in self.evidence.kinds
            and leave.trace(f"{entry.path}/") is None
            and not entry.path.startswith("/usr/")
        }

    def _is_in_new_home(self, entry: Entry) -> bool:
        for home in self.accounts.homes:
            if entry.path.startswith(f"{home}/"):
                first = self.evidence.now.entries.get(SKELETON + entry.path[len(home) + 1 :])
                return first is not None and first.content == entry.content
        return entry.path in self.accounts.homes

    @cached_property
    def _has_authorities(self) -> bool:
        return any(leave.is_below(path, [AUTHORITIES]) for path in self.evidence.kinds)
