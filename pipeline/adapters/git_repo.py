"""The ``Repo`` port on the git command. Each method is one call into the module that has its rules.

``git_read``, ``git_commit``, ``git_tags``, ``git_push`` and ``git_clone`` stand on ``git_command``
(processes and failures), ``git_objects`` (trees and commits) and ``git_remote`` (other
repositories).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline.adapters import git_clone, git_commit, git_push, git_read, git_remote, git_tags
from pipeline.adapters.git_command import Git
from pipeline.ports.engine import OnLine
from pipeline.ports.repo import Commit, CommitResult, Head, Located
from pipeline.scope import Scope


class GitRepo:
    """Implements ``pipeline.ports.Repo``."""

    def __init__(self) -> None:
        self._tops: dict[str, Git] = {}

    def _at(self, directory: str) -> Git:
        """git at the top of the work tree, which stays where it is once found."""
        if directory not in self._tops:
            self._tops[directory] = git_read.work_tree(directory)
        return self._tops[directory]

    def head(self, directory: str) -> Head | None:
        found = git_read.head(directory)
        if found is not None:
            self._tops[found.root] = Git(found.root)
        return found

    def commit(self, directory: str, revision: str) -> Commit:
        return git_read.commit(self._at(directory), revision)

    def base_commit(
        self, directory: str, trailer: str, ours: Callable[[str], bool]
    ) -> Commit | None:
        return git_read.base_commit(self._at(directory), trailer, ours)

    def files(self, directory: str) -> list[str]:
        return git_read.files(directory)

    def remote_url(self, directory: str, remote: str) -> str | None:
        return git_read.remote_url(self._at(directory), remote)

    def tags(self, directory: str, commit: str) -> list[str]:
        return git_read.tags(self._at(directory), [commit])

    def versions(self, directory: str, *commits: str) -> list[str]:
        return git_read.versions(self._at(directory), commits)

    def log(self, directory: str, since: str, until: str, limit: int = 50) -> list[str]:
        return git_read.log(self._at(directory), since, until, limit)

    def find_tag(self, directory: str, name: str) -> str | None:
        return git_read.resolve(self._at(directory), git_tags.tag_ref(name))

    def has_files(
        self, directory: str, files: Mapping[str, bytes], branch: str | None = None
    ) -> bool:
        return git_commit.has_files(self._at(directory), files, branch)

    def locate(self, url: str, ref: str, scope: Scope) -> Located:
        return git_remote.locate(url, ref, scope)

    def clone(
        self, url: str, ref: str, target: str, *, depth: int | None, submodules: bool,
        on_line: OnLine, scope: Scope,
    ) -> Head:  # fmt: skip
        return git_clone.clone(
            url, ref, target, depth=depth, submodules=submodules, on_line=on_line, scope=scope
        )

    def export(self, directory: str, commit: str, target: str, scope: Scope) -> None:
        git_clone.export(self._at(directory), commit, target, scope)

    def commit_files(
        self, directory: str, files: Mapping[str, bytes], *, message: str,
        trailers: Mapping[str, str], branch: str | None,
    ) -> CommitResult:  # fmt: skip
        return git_commit.commit_files(
            self._at(directory), files, message=message, trailers=trailers, branch=branch
        )

    def tag(self, directory: str, name: str, commit: str, message: str) -> bool:
        return git_tags.tag(self._at(directory), name, commit, message)

    def delete_tag(self, directory: str, name: str) -> None:
        git_tags.delete_tag(self._at(directory), name)

    def push_branch(
        self, directory: str, remote: str, *, commit: str, branch: str, reapply: bool,
        on_line: OnLine, scope: Scope,
    ) -> str:  # fmt: skip
        return git_push.push_branch(
            self._at(directory), remote, commit=commit, branch=branch, reapply=reapply,
            on_line=on_line, scope=scope,
        )  # fmt: skip

    def push_tag(
        self, directory: str, remote: str, name: str, *, on_line: OnLine, scope: Scope
    ) -> None:
        git_push.push_tag(self._at(directory), remote, name, on_line=on_line, scope=scope)

    def unpushed(self, directory: str, remote: str, *, commit: str, branch: str) -> list[Commit]:
        return git_push.unpushed(self._at(directory), remote, commit=commit, branch=branch)
