"""What a ``watch`` of a project follows, and where each of its runs takes the project from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.app.drafted import LIMIT, at_the_desk
from pipeline.app.update import update
from pipeline.app.watch.inbox import Change
from pipeline.app.watch.relevance import Relevance
from pipeline.app.watch.sources import Bases, Branch, Files, Source, absolute
from pipeline.app.workspace import Workspace
from pipeline.errors import DockcycleError, UsageError
from pipeline.kit import lock
from pipeline.kit.git_names import without_credentials
from pipeline.scope import Scope

CLONE_SECONDS = 1800.0
Fresh = Callable[[Sequence[Change], Scope], Workspace]
"""A workspace for one run that follows those changes."""


@dataclass(frozen=True)
class Wish:
    """What to follow; intervals in seconds. ``branch`` None: the current one."""

    git: bool = False
    branch: str | None = None
    interval: float = 30.0
    base: bool = False
    base_interval: float = 3600.0


def prepare(workspace: Workspace, wish: Wish) -> tuple[Fresh, list[Source]]:
    """How to get a workspace for a run, and the sources of changes.

    Raises:
        UsageError: there is no pipeline file, no repository or no lock to follow.
    """
    fresh: Fresh = lambda _changes, _scope: workspace.again()  # noqa: E731 - one of two ways
    sources: list[Source] = []
    if wish.git:
        branch, checkout = _branch(workspace, wish)
        sources.append(branch)
        fresh = checkout or fresh
    else:
        sources.append(_files(workspace))
    if wish.base:
        sources.append(_bases(workspace, wish))
        fresh = _with_moved_bases(fresh)
    return fresh, sources


def _options(workspace: Workspace, stage: str) -> Any:
    """Of a stage of the pipeline; None without that stage, or with a file that has mistakes: these
    are told by the first run."""
    try:
        found = [made.options for _, made in workspace.stages if made.name == stage]
    except DockcycleError:
        return None
    return found[0] if found else None


def _files(workspace: Workspace) -> Files:
    directory = workspace.project.directory
    app = (directory / getattr(_options(workspace, "code"), "path", ".")).resolve()
    run = _options(workspace, "run")
    named = [
        (directory / name).resolve()
        for key in ("env_file", "compose")
        for name in getattr(run, key, ())
    ]
    folders = (directory,) if app.is_relative_to(directory) else (directory, app)
    return Files(folders, Relevance(directory, app, workspace.ports.repo, named))


def _branch(workspace: Workspace, wish: Wish) -> tuple[Branch, Fresh | None]:
    """The branch, and how to have it here: a repository that ``code`` names it gets itself."""
    code, repo = _options(workspace, "code"), workspace.ports.repo
    directory = workspace.project.directory
    if url := getattr(code, "git", None):
        if wish.branch and wish.branch != code.ref:
            raise UsageError(
                f"--branch {wish.branch}: the pipeline says which it takes",
                hint="Write it there: `code: {git: …, ref: …}`.",
            )
        full = absolute(workspace.secrets.expand(url), directory)
        shown = without_credentials(full)
        return Branch(repo, full, code.ref or "", shown, wish.interval), None
    head = repo.head(str(directory))
    remote = repo.remote_url(head.root, "origin") if head else None
    if head is None or remote is None:
        raise UsageError(
            "--git follows a branch of the remote `origin`, which is not there",
            hint="`git remote add origin URL`, or name a repository: `code: {git: …}`.",
        )
    branch, url = wish.branch or head.branch or "", absolute(remote, Path(head.root))
    source = Branch(repo, url, branch, without_credentials(url), wish.interval)
    return source, _Checkout(workspace, url, branch, Path(head.root))


@dataclass(frozen=True)
class _Checkout:
    """A copy of the branch in the state directory: the user's own work tree stays as it is."""

    workspace: Workspace
    url: str
    branch: str
    root: Path

    def __call__(self, _changes: Sequence[Change], scope: Scope) -> Workspace:
        project = self.workspace.project
        target = project.state / "watch"
        limit = scope.child(CLONE_SECONDS, what="fetching the code")
        self.workspace.ports.repo.clone(
            self.url, self.branch, str(target), depth=None, submodules=False,
            on_line=lambda _line: None, scope=limit,
        )  # fmt: skip
        directory = target / project.directory.relative_to(self.root)
        file = directory / project.file.name
        request = replace(self.workspace.request, directory=directory, file=file)
        return self.workspace.again(request)


def _bases(workspace: Workspace, wish: Wish) -> Bases:
    if lock.read(workspace.project.directory) is None:
        raise UsageError(
            f"--base moves {lock.FILE}, which is not there",
            hint="`dockcycle update` makes it.",
        )
    told: set[tuple[str, str]] = set()

    def moved(scope: Scope) -> list[str]:
        now = workspace.again()
        rows = update(now, at_the_desk(now, scope), (), scope, dry_run=True)
        new = {(row.name, row.now) for row in rows if row.state == "moved"} - told
        told.update(new)
        return sorted(name for name, _digest in new)

    return Bases(moved, wish.base_interval)


def _with_moved_bases(fresh: Fresh) -> Fresh:
    def made(changes: Sequence[Change], scope: Scope) -> Workspace:
        workspace = fresh(changes, scope)
        if names := [name for change in changes for name in change.bases]:
            limit = scope.child(LIMIT, what="asking for base images")
            update(workspace, at_the_desk(workspace, limit), names, limit)
            return workspace.again()
        return workspace

    return made
