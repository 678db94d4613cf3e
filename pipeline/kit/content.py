"""What a build can see of a folder: the list of its files, and one hash over them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from pipeline.errors import StageFailed
from pipeline.kit import ignore as kit_ignore
from pipeline.kit.ignore import Ignore

EVIDENCE = ("Dockerfile", "*.Dockerfile", "Dockerfile.*", ".dockerignore", "*.dockerignore",
            "pipeline.lock")  # fmt: skip
"""Names of files that are evidence of their own: ``track`` commits them, so they neither count as
content of a context (at its top) nor make a work tree dirty."""

_SHOWN = 5


def context_files(context: Path, ignore: Ignore, listed: Iterable[str] | None = None) -> list[str]:
    """Relative paths of the files and links in ``context`` that ``ignore`` lets through, sorted.

    What tools leave behind (``kit.ignore.derived``) is left out too, unless it is in ``listed``:
    the paths that git tracks, or would.
    """
    derived = kit_ignore.derived()
    found = set(_walk(context, ignore, derived))
    found.update(
        path for path in listed or () if not ignore.excludes(path) and _is_file(context / path)
    )
    return sorted(found, key=os.fsencode)


def content_hash(context: Path, ignore: Ignore, listed: Iterable[str] | None = None) -> str:
    """SHA-256 (hex) over names, contents, executable bits and link targets of the context.

    ``EVIDENCE`` at the top is left out.

    Raises:
        StageFailed: a link leads out of the context, or a file cannot be read.
    """
    files = context_files(context, ignore, listed)
    _refuse_leaving_links(context, files)
    total = hashlib.sha256()
    for name in files:
        if "/" not in name and is_evidence(name):
            continue
        entry = _entry(context / name)
        if entry is not None:
            total.update(b"%d %b\0%b\n" % (len(os.fsencode(name)), os.fsencode(name), entry))
    return total.hexdigest()


def is_evidence(path: str) -> bool:
    """Has the file one of the names of ``EVIDENCE``, in whatever directory?"""
    name = path.rpartition("/")[2]
    return any(fnmatchcase(name, pattern) for pattern in EVIDENCE)


def leaving_links(context: Path, files: Iterable[str]) -> list[tuple[str, str]]:
    """(link, target) of those among ``files`` that are absolute or lead out of ``context``."""
    top = os.path.realpath(context)
    leaving = []
    for name in files:
        path = context / name
        if not path.is_symlink():
            continue
        target = os.fspath(path.readlink())
        real = os.path.realpath(path)
        inside = real == top or real.startswith(top.rstrip("/") + "/")
        if target.startswith("/") or not inside:
            leaving.append((name, target))
    return leaving


def _refuse_leaving_links(context: Path, files: Iterable[str]) -> None:
    leaving = leaving_links(context, files)
    if not leaving:
        return
    name, target = leaving[0]
    more = f" (and {len(leaving) - 1} more)" if len(leaving) > 1 else ""
    raise StageFailed(
        f"the link {name} leads out of the build context, to {target}{more}",
        hint=f"A build cannot follow it. Put the file itself there, make the link relative and "
        f"within {context}, or add it to .dockerignore.",
        detail="\n".join(f"{link} -> {to}" for link, to in leaving[:_SHOWN]),
    )


def _walk(context: Path, ignore: Ignore, derived: Ignore) -> Iterator[str]:
    """Without recursion: the depth is the user's, the stack is ours."""
    pending = [""]
    while pending:
        directory = pending.pop()
        with _readable(context / directory), os.scandir(context / directory) as entries:
            for entry in entries:
                path = f"{directory}/{entry.name}" if directory else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if not ignore.prunes(path) and not derived.prunes(path):
                        pending.append(path)
                elif (
                    (entry.is_file(follow_symlinks=False) or entry.is_symlink())
                    and not derived.excludes(path)
                    and not ignore.excludes(path)
                ):
                    yield path


def _is_file(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def _entry(path: Path) -> bytes | None:
    """Kind and content of a file as bytes; None when it went away meanwhile."""
    with _readable(path):
        try:
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                return b"link " + os.fsencode(path.readlink())
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
        except FileNotFoundError:
            return None
    return (b"exec " if mode & stat.S_IXUSR else b"file ") + digest


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns a refusal by the file system into a failure that names the file."""
    try:
        yield
    except PermissionError as error:
        raise StageFailed(
            f"{path} cannot be read",
            hint="A build could not read it either: change its permissions, or add it to "
            ".dockerignore.",
        ) from error
