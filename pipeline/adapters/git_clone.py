"""Checkouts of our own: made, updated and remade in a folder that nobody else uses."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.adapters.git_command import Git, failure, quiet
from pipeline.adapters.git_objects import own_index
from pipeline.adapters.git_read import head, resolve
from pipeline.adapters.git_remote import Access, access, locate
from pipeline.errors import GitUnusable
from pipeline.kit.git_names import is_remote
from pipeline.ports.engine import OnLine
from pipeline.ports.repo import Head, Located
from pipeline.scope import Scope

_HEADS = "+refs/heads/*:refs/remotes/origin/*"
_TAGS = "+refs/tags/*:refs/tags/*"


class _Checkout:
    """One checkout of one repository."""

    def __init__(self, where: Access, target: Path, on_line: OnLine, scope: Scope) -> None:
        self.where = where
        self.target = target
        # Should its .git be broken, git must not take a repository further up for it.
        self.git = Git(target, {"GIT_CEILING_DIRECTORIES": str(target.resolve().parent)})
        self._on_line = on_line
        self._scope = scope

    def update(self, place: Located, *, depth: int | None, submodules: bool) -> Head:
        """Fetch, check out, clean."""
        self._prepare()
        self._fetch(place, depth)
        branch = place.ref.removeprefix("refs/heads/")
        if place.ref.startswith("refs/heads/"):
            self._do("checkout", "--quiet", "--force", "--no-track", "-B", branch,
                     f"refs/remotes/origin/{branch}", "--")  # fmt: skip
        else:
            self._do("checkout", "--quiet", "--force", "--detach", self._detached(place), "--")
        self._do("clean", "--quiet", "-ffdx")
        if submodules:
            self._submodules(depth)
        state = head(str(self.target))
        if state is None or state.commit is None:
            raise GitUnusable(f"{self.where.url} could not be checked out")
        return state

    def _prepare(self) -> None:
        self.target.mkdir(parents=True, exist_ok=True)
        if not (self.target / ".git").is_dir():
            self.git.run("init", "--quiet", "--template=")
        for key, value in (("url", self.where.url), ("fetch", _HEADS)):
            self.git.run("config", "--replace-all", f"remote.origin.{key}", value)

    def _fetch(self, place: Located, depth: int | None) -> None:
        if depth is None:
            self._do("fetch", "--force", "--prune", "--no-tags", *self._unshallow(), "--", "origin",
                     _HEADS, _TAGS, remote=True)  # fmt: skip
            if resolve(self.git, place.commit) is None:  # on no branch any more
                self._do("fetch", "--no-tags", "--", "origin", place.commit, remote=True)
            return
        local = place.ref.replace("refs/heads/", "refs/remotes/origin/", 1)
        refspec = f"+{place.ref}:{local}" if place.ref else place.commit
        self._do("fetch", "--force", f"--depth={depth}", "--", "origin", refspec, remote=True)

    def _unshallow(self) -> list[str]:
        shallow = self.git.text("rev-parse", "--is-shallow-repository") == "true"
        return ["--unshallow"] if shallow else []

    def _detached(self, place: Located) -> str:
        found = resolve(self.git, place.ref or place.commit)
        if found is None:
            raise GitUnusable(f"{self.where.url} has no commit {place.commit}")
        return found

    def _submodules(self, depth: int | None) -> None:
        shallow = [] if depth is None else [f"--depth={depth}"]
        # A submodule of a far repository must not reach into this machine's disk.
        near = {"GIT_ALLOW_PROTOCOL": "git:http:https:ssh"} if is_remote(self.where.url) else {}
        self._do("submodule", "--quiet", "sync", "--recursive")
        self._do("submodule", "--quiet", "update", "--init", "--recursive", "--force", *shallow,
                 remote=True, env=near)  # fmt: skip

    def _do(self, *args: str, remote: bool = False, env: dict[str, str] | None = None) -> None:
        code, lines = self.git.stream(
            *args, on_line=self._on_line, scope=self._scope,
            env={**(self.where.env if remote else {}), **(env or {})},
            config=self.where.config if remote else (),
        )  # fmt: skip
        if code != 0:
            raise failure(args[0], "\n".join(lines))


def clone(
    url: str, ref: str, target: str, *, depth: int | None, submodules: bool, on_line: OnLine,
    scope: Scope,
) -> Head:  # fmt: skip
    """See ``Repo.clone``."""
    place = locate(url, ref, scope)
    checkout = _Checkout(access(url), Path(target), on_line, scope)
    was_there = checkout.target.exists()
    try:
        return checkout.update(place, depth=depth, submodules=submodules)
    except GitUnusable:
        if not was_there:
            raise
    # What is there may be half of a killed run, or of another repository. The remote answers.
    shutil.rmtree(checkout.target)
    return checkout.update(place, depth=depth, submodules=submodules)


def export(git: Git, commit: str, target: str, scope: Scope) -> None:
    """See ``Repo.export``."""
    folder = Path(target)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    with own_index() as env:
        git.run("read-tree", "--end-of-options", commit, env=env)
        code, lines = git.stream(
            "checkout-index", "--all", "--force", f"--prefix={folder}/", on_line=quiet,
            scope=scope, env=env,
        )  # fmt: skip
    if code != 0:
        raise failure("checkout-index", "\n".join(lines))
