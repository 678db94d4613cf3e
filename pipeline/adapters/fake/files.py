"""Files of fake images and containers."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from pipeline.ports.engine import Change


@dataclass(frozen=True)
class FakeFile:
    """A file, or a symbolic link if ``link`` says where to, or else a folder."""

    data: bytes = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    """Unix time."""
    link: str = ""
    folder: bool = False


Files = Mapping[str, FakeFile]
"""Absolute path → file. Folders above a file need not be named."""

MINIMAL: Files = {
    "/bin/sh": FakeFile(mode=0o755),
    "/etc/passwd": FakeFile(b"root:x:0:0:root:/root:/bin/sh\n"),
    "/etc/group": FakeFile(b"root:x:0:\n"),
}


def applied(files: Files, changes: Mapping[str, FakeFile | None]) -> dict[str, FakeFile]:
    """The files after a program has written some and removed (None) others."""
    left = {path: file for path, file in files.items() if path not in changes}
    return {**left, **{path: file for path, file in changes.items() if file is not None}}


def changes(before: Files, after: Files) -> list[Change]:
    """As an engine lists them."""
    old, new = _with_folders(before), _with_folders(after)
    kinds: dict[str, Literal["added", "changed", "deleted"]] = {}
    for path in old.keys() | new.keys():
        if old.get(path) != new.get(path):
            kinds[path] = "added" if path not in old else "changed" if path in new else "deleted"
    for path in list(kinds):
        for folder in _above(path):
            kinds.setdefault(folder, "changed")
    gone = {path for path, kind in kinds.items() if kind == "deleted"}
    kept = {path: kind for path, kind in kinds.items() if not gone & {*_above(path)}}
    return [Change(path=path, kind=kind) for path, kind in sorted(kept.items())]


def archive(files: Files) -> bytes:
    """As an engine exports them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, file in sorted(_with_folders(files).items()):
            member = tarfile.TarInfo(path.lstrip("/") + ("/" if file.folder else ""))
            member.mode, member.uid, member.gid = file.mode, file.uid, file.gid
            member.mtime, member.linkname, member.size = file.mtime, file.link, len(file.data)
            member.type = (
                tarfile.SYMTYPE
                if file.link
                else tarfile.DIRTYPE
                if file.folder
                else tarfile.REGTYPE
            )
            tar.addfile(member, io.BytesIO(file.data))
    return buffer.getvalue()


def _with_folders(files: Files) -> dict[str, FakeFile]:
    folders = {folder for path in files for folder in _above(path)}
    return {**{path: FakeFile(mode=0o755, folder=True) for path in folders}, **files}


def _above(path: str) -> list[str]:
    return [str(folder) for folder in PurePosixPath(path).parents if str(folder) != "/"]
