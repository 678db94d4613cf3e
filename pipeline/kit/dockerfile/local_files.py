"""Files of the build context that an ADD names: does COPY treat them alike?"""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.kit.dockerfile import model as m

_ONLY_ADD = ("checksum", "keep-git-dir", "unpack")
_SIGNS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"\x5d\x00\x00")
"""First bytes of gzip, bzip2, xz, zstd and lzma."""
_TAR, _TAR_AT = b"ustar", 257


def copies_alike(add: m.Add, context: Path) -> bool:
    """Are all its sources there, and neither fetched nor unpacked?"""
    if add.heredocs or any(add.flag(name) is not None for name in _ONLY_ADD):
        return False
    return all(_is_plain(source, context) for source in add.sources)


def _is_plain(source: str, context: Path) -> bool:
    if re.search(r"[$\\\"']|<<|://|^git@|\.git(?:#|$)", source):
        return False
    pattern = source.strip("/")
    try:
        found = list(context.glob(pattern)) if pattern not in ("", ".") else [context]
    except (ValueError, NotImplementedError, OSError):
        return False
    return bool(found) and not any(_is_archive(path) for path in found)


def _is_archive(path: Path) -> bool:
    """By its content, as the builder tells."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return True  # who knows
    return head.startswith(_SIGNS) or head[_TAR_AT:].startswith(_TAR)
