"""A project's repository on this machine: where its refs are, and a checkout to run in.

The checkout is kept from run to run, so that only what is new is fetched, and paths stay the same.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.adapters.git_command import Git
from pipeline.adapters.git_read import resolve
from pipeline.adapters.git_remote import HELPER, access, refs
from pipeline.adapters.git_repo import GitRepo
from pipeline.kit.content import is_evidence
from pipeline.kit.git_names import RUN_TRAILER, is_remote
from pipeline.scope import Scope
from pipeline.server.config import ServedProject
from pipeline.stage import Secrets
from pipeline.store import Home

BRANCHES, TAGS = "refs/heads/", "refs/tags/"
FETCH_LIMIT = 1800.0
"""Seconds for a fetch; the first one gets everything."""


@dataclass(frozen=True)
class Fetched:
    """Code that can be run."""

    folder: Path
    tip: str
    """What the ref is at."""
    base: str
    """The newest commit of it that is not our own record."""


class Checkout:
    """The repository of one project. Its methods raise ``GitUnusable``."""

    def __init__(self, project: ServedProject, home: Home, secrets: Secrets) -> None:
        self._project = project
        self._secrets = secrets
        self._repo = GitRepo()
        self._home = home

    @property
    def folder(self) -> Path:
        return self._home.path / "serve" / self._project.name / "checkout"

    @property
    def pulls(self) -> Path:
        """What pull requests are tested in."""
        return self._home.path / "serve" / self._project.name / "pull"

    def refs(self, scope: Scope) -> dict[str, str]:
        """Where the refs are, now and there, that the project's filters want."""
        wanted = [BRANCHES + "*"] + [TAGS + "*"] * bool(self._project.tags)
        found = refs(self._url(), wanted, scope)
        return {ref: commit for ref, commit in found.items() if self._wants(ref)}

    def fetch(self, ref: str, commit: str, scope: Scope) -> Fetched:
        """Check out what ``ref`` is at. ``commit`` is taken where it is no branch."""
        self._home.ensure(self.folder.parent)
        name = ref.removeprefix(BRANCHES) if ref.startswith(BRANCHES) else commit
        head = self._repo.clone(
            self._url(), name, str(self.folder), depth=None, submodules=False,
            on_line=lambda _line: None, scope=scope.child(FETCH_LIMIT, what="fetching the code"),
        )  # fmt: skip
        tip = str(head.commit)
        base = self._repo.base_commit(head.root, RUN_TRAILER, is_evidence)
        return Fetched(self.folder, tip, base.id if base else tip)

    def fetch_pull(self, commit: str, scope: Scope) -> Fetched:
        """Check out a pull request's commit, in a folder that nothing else is run in."""
        folder = self.pulls / "checkout"
        self._home.ensure(folder.parent)
        self._repo.clone(
            self._url(), commit, str(folder), depth=None, submodules=False,
            on_line=lambda _line: None, scope=scope.child(FETCH_LIMIT, what="fetching the code"),
        )  # fmt: skip
        return Fetched(folder, commit, commit)

    def changed(self, old: str, new: str) -> list[str] | None:
        """Paths that differ between two commits; None when ``old`` is not known here any more."""
        git = Git(self.folder)
        if resolve(git, old) is None:
            return None
        answer = git.run("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff",
                         "--end-of-options", old, new, "--")  # fmt: skip
        return [os.fsdecode(path) for path in answer.out.split(b"\0") if path]

    def kept(self, commits: Collection[str]) -> Fetched | None:
        """What is checked out now, if it is one of ``commits``."""
        head = resolve(Git(self.folder), "HEAD") if self.folder.is_dir() else None
        return Fetched(self.folder, head, head) if head in commits and head else None

    def is_record(self, commit: str) -> bool:
        """Is it a commit that ``track`` made in this checkout?"""
        git = Git(self.folder)
        if resolve(git, commit) is None:
            return False
        return RUN_TRAILER in self._repo.commit(str(self.folder), commit).trailers

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Variables by which git, in a run, has the access that the project's URL gives."""
        where = access(self._url())
        if not where.env:
            return {}
        parts = urlsplit(where.url)
        number = environ.get("GIT_CONFIG_COUNT", "")
        at = int(number) if number.isdigit() else 0
        return {
            **where.env,
            "GIT_CONFIG_COUNT": str(at + 1),
            f"GIT_CONFIG_KEY_{at}": f"credential.{parts.scheme}://{parts.netloc}.helper",
            f"GIT_CONFIG_VALUE_{at}": HELPER,
        }

    def _wants(self, ref: str) -> bool:
        if ref.startswith(BRANCHES):
            return self._project.wants_branch(ref.removeprefix(BRANCHES))
        return self._project.wants_tag(ref.removeprefix(TAGS))

    def _url(self) -> str:
        url = self._secrets.expand(self._project.repository)
        return url if is_remote(url) or "://" in url else str(Path(url).absolute())
