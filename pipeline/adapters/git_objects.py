"""Blobs, trees and commits, made without a work tree: each tree in an index of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pipeline.adapters.git_command import Answer, Git
from pipeline.errors import GitUnusable

_FALLBACK = ("dockcycle", "dockcycle@localhost")
_IDENTITY = r"^(user|author|committer)\.(name|email)$"
_FILE = ("100644", "100755")


class Entry(NamedTuple):
    """A file in a tree or an index."""

    mode: str
    blob: str


def records(answer: Answer) -> list[str]:
    """What a command printed with ``-z``."""
    return [os.fsdecode(record) for record in answer.out.split(b"\0") if record]


def tree_entries(git: Git, oid: str | None, paths: Collection[str]) -> dict[str, Entry]:
    """Those of ``paths`` that the tree of a commit has.

    Raises:
        GitUnusable: one of them is a link or a folder there, or lies below a file.
    """
    for path in paths:
        _refuse_path(path)
    if oid is None or not paths:
        return {}
    folders = {str(up) for path in paths for up in PurePosixPath(path).parents if str(up) != "."}
    blocked = [path for path, entry in _list_tree(git, oid, folders) if entry.mode != "040000"]
    found = dict(_list_tree(git, oid, paths))
    blocked += [path for path, entry in found.items() if entry.mode not in _FILE]
    if blocked:
        raise GitUnusable(
            f"{blocked[0]} is something else in the last commit than in the work tree",
            hint="Commit that change yourself, then run again.",
        )
    return found


def _list_tree(git: Git, oid: str, paths: Collection[str]) -> Iterator[tuple[str, Entry]]:
    if not paths:
        return
    answer = git.run("ls-tree", "-z", "--full-tree", "--end-of-options", oid, "--", *paths)
    for record in records(answer):
        facts, _, path = record.partition("\t")
        mode, _, blob = facts.split(" ")
        yield path, Entry(mode, blob)


def hash_file(git: Git, path: str, data: bytes, *, write: bool = False) -> str:
    """Blob id of ``data``, after the line-end rules that the repository has for the path."""
    options = ["-w"] if write else []
    return git.run("hash-object", *options, "--stdin", f"--path={path}", stdin=data).text


def put_entries(
    git: Git, entries: Mapping[str, Entry | None], env: Mapping[str, str] | None = None
) -> None:
    """Set entries of an index (None removes), without looking at the work tree."""
    there = [f"{e.mode} {e.blob}\t{path}" for path, e in entries.items() if e is not None]
    gone = [path for path, entry in entries.items() if entry is None]
    if there:
        git.run("update-index", "-z", "--index-info", stdin=feed(there), env=env)
    if gone:
        git.run("update-index", "--force-remove", "-z", "--stdin", stdin=feed(gone), env=env)


def feed(items: Collection[str]) -> bytes:
    """Paths or lines for a command that reads them with ``-z --stdin``."""
    return b"".join(os.fsencode(item) + b"\0" for item in items)


def write_tree(git: Git, base: str | None, entries: Mapping[str, Entry]) -> str:
    """The tree of ``base`` with ``entries`` in it."""
    with own_index() as env:
        git.run("read-tree", *(["--end-of-options", base] if base else ["--empty"]), env=env)
        put_entries(git, entries, env=env)
        return git.text("write-tree", env=env)


@contextmanager
def own_index() -> Iterator[dict[str, str]]:
    """Environment for an index that is nobody else's, empty at first."""
    with tempfile.TemporaryDirectory(prefix="dockcycle-index-") as folder:
        yield {"GIT_INDEX_FILE": str(Path(folder) / "index")}


def make_commit(
    git: Git, tree: str, parent: str | None, message: bytes, env: Mapping[str, str] | None = None
) -> str:
    """A commit object; signed when ``commit.gpgsign`` asks for it."""
    sign = git.ask("config", "--type=bool", "--get", "commit.gpgsign").text == "true"
    options = ["-S"] if sign else []
    if parent:
        options += ["-p", parent]
    who = {**identity(git), **(env or {})}
    return git.run("commit-tree", *options, "-F", "-", tree, stdin=message, env=who).text


def with_trailers(message: str, trailers: Mapping[str, str]) -> str:
    """The text of a commit or tag."""
    lines = [f"{key}: {' '.join(value.split())}" for key, value in trailers.items()]
    return "\n\n".join(part for part in (message.strip(), "\n".join(lines)) if part) + "\n"


def identity(git: Git) -> dict[str, str]:
    """Environment that names author and committer where the user's configuration does not."""
    answer = git.ask("config", "-z", "--get-regexp", _IDENTITY)
    config = dict(record.partition("\n")[::2] for record in records(answer))
    env: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        known = all(
            os.environ.get(f"GIT_{role}_{part.upper()}")
            or config.get(f"{role.lower()}.{part}")
            or config.get(f"user.{part}")
            for part in ("name", "email")
        )
        if not known:
            env |= {f"GIT_{role}_NAME": _FALLBACK[0], f"GIT_{role}_EMAIL": _FALLBACK[1]}
    return env


def _refuse_path(path: str) -> None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or {"..", ".git", ""} & {*path.split("/")} or str(pure) != path:
        raise GitUnusable(f"{path!r} is not the path of a file in the repository")
