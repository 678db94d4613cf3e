"""Files that are put back: which COPY brings which, and what owners and modes it leaves open."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field

from pipeline.kit.capture import leave
from pipeline.kit.capture.evidence import Evidence
from pipeline.kit.capture.snapshot import Entry

FILES = "files"
"""Folder beside the Dockerfile that holds them, each at its own path."""
_LOST_BY_CHOWN = 0o6000
_OPEN = ("?", 0)
"""Owner and mode that nobody can foretell."""


@dataclass(frozen=True)
class Group:
    """What one COPY brings: all of ``folder``, which is new, or only ``files`` of it."""

    folder: str
    files: tuple[str, ...]
    owner: str
    """``user:group``; empty for root."""


@dataclass(frozen=True)
class Access:
    """What COPY cannot say: owner → paths, mode → paths."""

    owners: Mapping[str, tuple[str, ...]]
    modes: Mapping[int, tuple[str, ...]]


@dataclass(frozen=True)
class Copying:
    """``entries`` are put back, ``tuned`` are there with another owner or mode; ``there`` are
    folders that exist before anything is copied."""

    evidence: Evidence
    entries: Mapping[str, Entry]
    tuned: Mapping[str, Entry]
    there: Set[str]

    @property
    def files(self) -> dict[str, Entry]:
        return {path: entry for path, entry in self.entries.items() if entry.kind == "file"}

    @property
    def links(self) -> dict[str, str]:
        """Path → where it leads to."""
        return {path: e.link for path, e in self.entries.items() if e.kind == "link"}

    @property
    def empty_folders(self) -> list[str]:
        """New ones that no file brings with it."""
        above = {folder for path in self.files for folder in leave.above(path)}
        return [
            path
            for path, entry in self.entries.items()
            if entry.kind == "folder" and path not in above and path not in self.there
        ]

    def groups(self) -> list[Group]:
        """In the order of their paths."""
        return list(self._below("/", _Tree.of(self.files)))

    def _below(self, folder: str, tree: _Tree) -> Iterator[Group]:
        owners = {self.evidence.owner(self.entries[path]) for path in tree.all_files()}
        if folder != "/" and folder not in self.there and len(owners) == 1:
            yield Group(folder, (), owners.pop())
            return
        by_owner: dict[str, list[str]] = defaultdict(list)
        for path in tree.files:
            by_owner[self.evidence.owner(self.entries[path])].append(path)
        for owner, paths in sorted(by_owner.items()):
            yield Group(folder, tuple(paths), owner)
        for name, inner in sorted(tree.folders.items()):
            yield from self._below(posixpath.join(folder, name), inner)

    def access(self) -> Access:
        """Whatever is to be changed when all is copied and all folders are made."""
        owners: dict[str, list[str]] = defaultdict(list)
        modes: dict[int, list[str]] = defaultdict(list)
        for path, (owner, mode) in sorted(self._left_by_copies().items()):
            entry = self.evidence.now.entries.get(path)
            if entry is None:
                continue
            given = (wanted := self.evidence.owner(entry)) != owner
            if given:
                owners[wanted or "root:root"].append(path)
            if entry.mode != mode or (given and entry.mode & _LOST_BY_CHOWN):
                modes[entry.mode].append(path)
        return Access(
            {owner: tuple(paths) for owner, paths in owners.items()},
            {mode: tuple(paths) for mode, paths in modes.items()},
        )

    def _left_by_copies(self) -> dict[str, tuple[str, int]]:
        """Path → owner and mode that it has then."""
        found: dict[str, tuple[str, int]] = dict.fromkeys(self.empty_folders, ("", 0o755))
        groups = self.groups()
        for path, entry in self.files.items():
            group = next(g for g in groups if _brings(g, path))
            found[path] = (group.owner, plain_mode(entry))
            for folder in leave.above(path):
                if folder in self.there:
                    break
                inside = not group.files and leave.is_below(folder, [group.folder])
                found[folder] = (group.owner, 0o755) if inside else _OPEN
        for path in self.tuned:
            old = self.evidence.before.entries.get(path)
            found[path] = (self.evidence.owner(old), old.mode) if old else ("", self._mode(path))
        return found

    def _mode(self, path: str) -> int:
        return self.evidence.now.entries[path].mode


@dataclass
class _Tree:
    files: list[str] = field(default_factory=list)
    folders: dict[str, _Tree] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Mapping[str, object]) -> _Tree:
        root = cls()
        for path in sorted(paths):
            tree = root
            for name in posixpath.dirname(path).split("/"):
                tree = tree.folders.setdefault(name, cls()) if name else tree
            tree.files.append(path)
        return root

    def all_files(self) -> Iterator[str]:
        yield from self.files
        for folder in self.folders.values():
            yield from folder.all_files()


def plain_mode(entry: Entry) -> int:
    """The nearest one that survives git and every file system."""
    return 0o755 if entry.mode & 0o111 else 0o644


def _brings(group: Group, path: str) -> bool:
    return path in group.files if group.files else leave.is_below(path, [group.folder])
