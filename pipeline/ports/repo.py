"""git as stages see it. No hook of a checkout is run, no submodule is entered by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from pipeline.artifacts import Frozen
from pipeline.ports.engine import OnLine
from pipeline.scope import Scope


class Head(Frozen):
    """The state of a work tree."""

    root: str
    """Absolute top directory of the work tree."""
    commit: str | None
    """None before the first commit."""
    branch: str | None
    """None when detached."""
    dirty: bool
    """Something tracked differs from HEAD, or an untracked file is not ignored."""
    subject: str = ""
    author: str = ""
    committed: str = ""
    trailers: Mapping[str, str] = {}
    """Trailers of the commit's message, such as ``Dockcycle-Run``."""
    parent: str | None = None


class CommitResult(Frozen):
    commit: str
    created: bool
    """False when the tree already had exactly these files."""


class Repo(Protocol):
    """Raises ``GitUnusable`` from every method when git fails for a reason of its own."""

    def head(self, directory: str) -> Head | None:
        """Of the work tree that holds ``directory``; None outside of any."""

    def files(self, directory: str) -> list[str]:
        """Tracked and untracked-but-not-ignored files below ``directory``, relative to it, sorted.
        Files that are deleted in the work tree are left out."""

    def remote_url(self, directory: str, remote: str) -> str | None:
        """Without credentials; None when there is no such remote."""

    def versions(self, directory: str, commit: str) -> list[str]:
        """Semantic versions of tags that point at ``commit``, newest first, no leading ``v``."""

    def log(self, directory: str, since: str, until: str, limit: int = 50) -> list[str]:
        """Subjects of the commits in ``since..until``, newest first."""

    def base_commit(self, directory: str, trailer: str, paths: Sequence[str]) -> str | None:
        """The newest ancestor-or-self of HEAD that is not our own record: commits that carry
        ``trailer`` and change nothing but ``paths`` (relative to the root) are stepped over."""

    def clone(
        self, url: str, ref: str, target: str, *, depth: int | None, submodules: bool,
        on_line: OnLine, scope: Scope,
    ) -> Head:  # fmt: skip
        """Clone ``ref`` (branch, tag or commit; ``""`` for the default) into ``target``.

        Raises:
            GitUnusable: also for a ref or URL that git's own rules refuse, before anything runs.
        """

    def export(self, directory: str, commit: str, target: str) -> None:
        """Write the tree of ``commit`` (what is committed, nothing else) into ``target``."""

    def commit_files(
        self, directory: str, files: Mapping[str, bytes], *, message: str,
        trailers: Mapping[str, str], branch: str | None,
    ) -> CommitResult:  # fmt: skip
        """Commit exactly ``files`` (path relative to the root → content) on top of the branch.

        Goes through a separate index: the user's index, work tree and stash stay as they are,
        except that the entries of exactly these paths in the index follow the new commit.
        ``branch`` None means the current one; another name is created from HEAD when missing,
        without switching to it.
        """

    def tag(self, directory: str, name: str, commit: str, message: str) -> bool:
        """An annotated tag; False when it is there already on the same commit.

        Raises:
            GitUnusable: the tag exists on another commit, or the name is no valid ref.
        """

    def delete_tag(self, directory: str, name: str) -> None: ...

    def push(
        self, directory: str, remote: str, *, branch: str, tags: Sequence[str], reapply: bool,
        on_line: OnLine, scope: Scope,
    ) -> str:  # fmt: skip
        """Push a branch and tags, never by force; the commit that the remote branch is at then.

        On non-fast-forward with ``reapply`` the remote is fetched and our newest commits (those
        of ``commit_files``) are applied on top of it again, a few times.

        Raises:
            GitRejected: a hook or a protected branch; ``detail`` has the server's words.
            GitUnusable: no such remote, no access, no agreement after the tries.
        """
