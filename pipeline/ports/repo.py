"""git as stages see it. No hook of a checkout is run, no submodule is entered by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from pipeline.artifacts import Frozen
from pipeline.ports.engine import OnLine
from pipeline.scope import Scope


class Commit(Frozen):
    id: str
    parents: tuple[str, ...] = ()
    subject: str = ""
    author: str = ""
    """Name only."""
    committed: str = ""
    """Commit time, ISO 8601."""
    trailers: Mapping[str, str] = {}
    """Such as ``Dockcycle-Run``."""


class Head(Frozen):
    """The state of a work tree."""

    root: str
    """Absolute top directory of the work tree."""
    commit: str | None
    """None before the first commit."""
    branch: str | None
    """None when detached."""
    changed: tuple[str, ...] = ()
    """Tracked paths that differ from HEAD, relative to the root."""
    new: tuple[str, ...] = ()
    """Paths that HEAD does not have and git does not ignore; a whole new folder ends with ``/``."""

    @property
    def dirty(self) -> bool:
        return bool(self.changed or self.new)


class Located(Frozen):
    """Where a branch, tag or commit of another repository is now."""

    commit: str
    ref: str = ""
    """Full name (``refs/heads/main``); empty for a bare commit."""


class CommitResult(Frozen):
    commit: str
    created: bool
    """False when the branch already had exactly these files."""
    kept: tuple[str, ...] = ()
    """Paths whose entries in the user's index were left alone: they hold staged changes."""
    ignored: tuple[str, ...] = ()
    """Paths that were not committed as the repository's ignore rules name them."""


class Repo(Protocol):
    """Raises ``GitUnusable`` from every method when git fails for a reason of its own.

    ``directory`` is any directory of a work tree. Names, revisions and URLs that git's own rules
    refuse (a leading ``-``, ``ext::``…) are refused before anything runs.
    """

    # reading

    def head(self, directory: str) -> Head | None:
        """Of the work tree that holds ``directory``; None outside of any."""

    def commit(self, directory: str, revision: str) -> Commit: ...

    def base_commit(
        self, directory: str, trailer: str, ours: Callable[[str], bool]
    ) -> Commit | None:
        """The newest ancestor-or-self of HEAD that is not our own record: commits that carry
        ``trailer`` and change only paths that are ``ours`` are stepped over. None before the first
        commit."""

    def files(self, directory: str) -> list[str]:
        """Tracked and untracked-but-not-ignored files below ``directory``, relative to it, sorted.
        Files that are deleted in the work tree are left out; a submodule is one entry."""

    def remote_url(self, directory: str, remote: str) -> str | None:
        """Without credentials; None when there is no such remote."""

    def tags(self, directory: str, commit: str) -> list[str]:
        """Names of all tags at ``commit``, sorted."""

    def versions(self, directory: str, *commits: str) -> list[str]:
        """Semantic versions of tags at one of ``commits``, newest first, no leading ``v``."""

    def log(self, directory: str, since: str, until: str, limit: int = 50) -> list[str]:
        """Subjects of the commits in ``since..until``, newest first."""

    def find_tag(self, directory: str, name: str) -> str | None:
        """The commit that the tag stands for; None without such a tag."""

    def has_files(
        self, directory: str, files: Mapping[str, bytes], branch: str | None = None
    ) -> bool:
        """Would ``commit_files`` have nothing to do?"""

    # getting code

    def locate(self, url: str, ref: str, scope: Scope) -> Located:
        """Ask the repository at ``url`` where ``ref`` is (``""``: its default branch).

        A full commit id is taken at its word, as servers only list branches and tags.

        Raises:
            GitUnusable: no answer, no access, or no such ref.
        """

    def clone(
        self, url: str, ref: str, target: str, *, depth: int | None, submodules: bool,
        on_line: OnLine, scope: Scope,
    ) -> Head:  # fmt: skip
        """Make ``target`` a checkout of ``ref`` (branch, tag or commit; ``""`` for the default).

        A checkout that is there already is updated; one that a killed run left broken is made
        anew. Everything in ``target`` that is not of the commit is removed.
        """

    def export(self, directory: str, commit: str, target: str, scope: Scope) -> None:
        """Write the tree of ``commit``, and nothing else, into ``target``, which is emptied first.
        Submodules are left out."""

    # writing

    def commit_files(
        self, directory: str, files: Mapping[str, bytes], *, message: str,
        trailers: Mapping[str, str], branch: str | None,
    ) -> CommitResult:  # fmt: skip
        """Commit exactly ``files`` (path relative to the root → content) on top of the branch.

        Goes through a separate index: the user's index, work tree and stash stay as they are,
        except that the index entries of exactly these paths follow the new commit (unless the
        user has staged something else there). ``branch`` None means the current one; another name
        is created from HEAD when missing, without switching to it.
        """

    def tag(self, directory: str, name: str, commit: str, message: str) -> bool:
        """An annotated tag; False when it is there already on the same commit.

        Raises:
            GitUnusable: the tag exists on another commit, or the name is no valid ref.
        """

    def delete_tag(self, directory: str, name: str) -> None: ...

    def push_branch(
        self, directory: str, remote: str, *, commit: str, branch: str, reapply: bool,
        on_line: OnLine, scope: Scope,
    ) -> str:  # fmt: skip
        """Push ``commit`` to a branch of the remote, never by force; returns the commit that the
        remote branch is at then.

        When the remote branch has moved on, and ``reapply``, it is fetched and those of its missing
        commits that are ours (``RUN_TRAILER``) are applied on top of it again, a few times. A local
        branch of that name follows if it is not checked out anywhere.

        Raises:
            GitRejected: a hook or a protected branch; ``detail`` has the server's words.
            GitUnusable: no such remote, no access; the branch also lacks commits of the user's own,
                or has other changes to the same files; no agreement after the tries.
        """

    def push_tag(
        self, directory: str, remote: str, name: str, *, on_line: OnLine, scope: Scope
    ) -> None:
        """Push a tag, never by force. No error when the remote has the very same tag.

        Raises:
            GitRejected: a hook, or the remote has another tag of that name.
            GitUnusable: no such remote, no access.
        """

    def unpushed(self, directory: str, remote: str, *, commit: str, branch: str) -> list[Commit]:
        """Commits that ``commit`` has and the remote branch, as last seen from here, has not (of a
        branch that was never seen: no branch of the remote has), newest first, at most 200. Empty
        when nothing of the remote was ever seen."""
