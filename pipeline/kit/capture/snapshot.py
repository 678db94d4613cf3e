"""The files of a container as facts, read in one pass from the archive that the engine gives."""

from __future__ import annotations

import hashlib
import posixpath
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, cast

from pipeline.kit.dockerfile.secrets import is_secret_value

_LARGEST_TEXT = 256 * 1024
"""Bytes of a file that is looked into for secrets."""
_LARGEST_KEPT = 32 * 1024 * 1024
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Entry:
    """One path. Hashes are in hex, and empty for what was not to be hashed."""

    path: str
    kind: Literal["file", "link", "folder", "other"]
    mode: int
    uid: int
    gid: int
    mtime: int = 0
    """Unix time."""
    size: int = 0
    link: str = ""
    """Where a symbolic link leads to."""
    twin: str = ""
    """The path that it is a hard link to."""
    md5: str = ""
    sha256: str = ""
    secret: bool = False
    """There is something in it that looks like a secret."""

    @property
    def content(self) -> tuple[str, str, str]:
        """What it is, whoever owns it."""
        return self.kind, self.link, self.md5

    @property
    def access(self) -> tuple[int, int, int]:
        """Who may do what with it; of a link that means nothing."""
        return (0, 0, 0) if self.kind == "link" else (self.mode, self.uid, self.gid)


@dataclass(frozen=True)
class Snapshot:
    entries: Mapping[str, Entry]
    """Absolute path → entry."""
    kept: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Contents that were asked for."""

    def text(self, path: str) -> str:
        """The content of a file that was kept; empty for any other."""
        return self.kept.get(path, b"").decode("utf-8", "replace")

    def paths(self, pattern: Callable[[str], bool]) -> list[str]:
        return [path for path in self.entries if pattern(path)]


def read(
    chunks: Iterator[bytes], *, hashed: Callable[[str], bool], kept: Callable[[str], bool]
) -> Snapshot:
    """All paths; hashes of the files that are ``hashed``, contents of those that are ``kept``."""
    entries: dict[str, Entry] = {}
    contents: dict[str, bytes] = {}
    for archive, member in _members(chunks):
        path = _path(member)
        content = archive.extractfile(member) if member.isreg() else None
        if content is not None and kept(path) and member.size <= _LARGEST_KEPT:
            contents[path] = content.read()
            entries[path] = _entry(member, _hashes([contents[path]]))
        elif content is not None and hashed(path):
            entries[path] = _entry(member, _hashes(_pieces(content)))
        elif member.islnk():
            entries[path] = _hard_link(member, entries)
        else:
            entries[path] = _entry(member, {})
    return Snapshot(entries, contents)


def extract(chunks: Iterator[bytes], targets: Mapping[str, list[Path]]) -> None:
    """Write files out of the archive: path → where to. Folders are made, modes are left alone."""
    for archive, member in _members(chunks):
        wanted = targets.get(_path(member))
        content = archive.extractfile(member) if wanted and member.isreg() else None
        if content is None or not wanted:
            continue
        first, *others = wanted
        first.parent.mkdir(parents=True, exist_ok=True)
        with first.open("wb") as file:
            shutil.copyfileobj(content, file, _CHUNK)
        for other in others:
            other.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(first, other)


def _members(chunks: Iterator[bytes]) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    stream = cast("IO[bytes]", _Stream(chunks))
    with tarfile.open(fileobj=stream, mode="r|", errorlevel=1) as archive:
        for member in archive:
            yield archive, member
    for _ in chunks:  # to the end, so that nothing waits to be read
        pass


class _Stream:
    """What ``tarfile`` reads from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int) -> bytes:
        parts, missing = [], size
        while missing > 0:
            self._rest = self._rest or next(self._chunks, b"")
            if not self._rest:
                break
            part, self._rest = self._rest[:missing], self._rest[missing:]
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


def _path(member: tarfile.TarInfo) -> str:
    return posixpath.normpath("/" + member.name)


def _entry(member: tarfile.TarInfo, hashes: Mapping[str, Any]) -> Entry:
    kind: Literal["file", "link", "folder", "other"] = (
        "file" if member.isreg()
        else "link" if member.issym()
        else "folder" if member.isdir()
        else "other"
    )  # fmt: skip
    return Entry(
        path=_path(member), kind=kind, mode=member.mode & 0o7777, uid=member.uid, gid=member.gid,
        mtime=int(member.mtime), size=member.size, link=member.linkname if kind == "link" else "",
        **hashes,
    )  # fmt: skip


def _hard_link(member: tarfile.TarInfo, known: Mapping[str, Entry]) -> Entry:
    """The archive has its content under the path that came first."""
    twin = posixpath.normpath("/" + member.linkname)
    first = known.get(twin)
    if first is None:
        return _entry(member, {})
    return Entry(**{**first.__dict__, "path": _path(member), "twin": first.twin or twin})


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(_CHUNK):
        yield piece


def _hashes(pieces: Iterator[bytes] | list[bytes]) -> dict[str, Any]:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    head, size = b"", 0
    for piece in pieces:
        md5.update(piece)
        sha256.update(piece)
        head, size = head or piece, size + len(piece)
    small = size <= _LARGEST_TEXT and b"\0" not in head
    secret = small and is_secret_value(head.decode("utf-8", "replace"))
    return {"md5": md5.hexdigest(), "sha256": sha256.hexdigest(), "secret": secret}
