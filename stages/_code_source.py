"""Where the code is taken from, and what there is to say about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.artifacts import Source
from pipeline.errors import GitUnusable, UsageError
from pipeline.kit.content import content_hash, is_evidence
from pipeline.kit.git_names import RUN_TRAILER, is_remote, without_credentials
from pipeline.kit.ignore import in_force
from pipeline.ports.repo import Commit, Head
from pipeline.stage import Context


class Wanted(Protocol):
    """The options that say what to take."""

    @property
    def path(self) -> str: ...
    @property
    def git(self) -> str | None: ...
    @property
    def ref(self) -> str | None: ...
    @property
    def depth(self) -> int | None: ...
    @property
    def submodules(self) -> bool: ...
    @property
    def clean(self) -> bool: ...


@dataclass(frozen=True)
class Taken:
    """Code on this disk."""

    app: Path
    root: Path
    """Top of what ``app`` is a part of."""
    repository: Path | None
    """Work tree that commits go to."""
    managed: bool = False
    url: str | None = None
    """Where a checkout of ours came from, without credentials."""

    @property
    def exported(self) -> bool:
        return self.repository is not None and self.repository != self.root


def take(ctx: Context, wanted: Wanted) -> Taken:
    """Get the code to where it can be built.

    Raises:
        UsageError: the folder does not exist, or is not where ``clean`` needs it.
        GitUnusable: the repository does not answer or does not have what is asked for.
    """
    if wanted.git is not None:
        return _checkout(ctx, wanted, wanted.git)
    app = _folder(ctx.path(wanted.path), wanted.path)
    head = ctx.ports.repo.head(str(app))
    if wanted.clean:
        return _export(ctx, app, head)
    return _work_tree(app, head)


def inputs(ctx: Context, wanted: Wanted) -> object:
    """What the outcome of ``take`` depends on besides the options. Reads only, also far away."""
    repo = ctx.ports.repo
    if wanted.git is not None:
        return repo.locate(_url(ctx, wanted.git), wanted.ref or "", ctx.scope)
    app = _folder(ctx.path(wanted.path), wanted.path)
    head = repo.head(str(app))
    if not wanted.clean:
        return _source(ctx, _work_tree(app, head), head)
    base = _base(ctx, _tracked(head, app))
    return base, head and head.branch, _versions(ctx, head, base) if head else ()


def describe(ctx: Context, taken: Taken) -> Source:
    """The evidence for code that was taken.

    Raises:
        StageFailed: a link leads out of what the build sees.
    """
    return _source(
        ctx, taken, ctx.ports.repo.head(str(taken.repository)) if taken.repository else None
    )


def _source(ctx: Context, taken: Taken, head: Head | None) -> Source:
    content = content_hash(taken.app, in_force(taken.app), listed(ctx, taken))
    if head is None:
        return Source(path=str(taken.app), root=str(taken.root), content=content)
    base = _base(ctx, head)
    return Source(
        path=str(taken.app), root=str(taken.root), repository=head.root, content=content,
        commit=base.id if base else None, branch=head.branch,
        dirty=not taken.exported and _dirty(ctx, head), subject=base.subject if base else "",
        author=base.author if base else "", committed=base.committed if base else "",
        remote=taken.url or ctx.ports.repo.remote_url(head.root, "origin"),
        versions=_versions(ctx, head, base), managed=taken.managed,
    )  # fmt: skip


def listed(ctx: Context, taken: Taken) -> list[str] | None:
    """Files that count as code even when they look like something that a tool made: those of git.
    None without git."""
    if taken.repository is None:
        return None
    if taken.exported:
        return [str(path.relative_to(taken.app)) for path in taken.app.rglob("*")]
    return ctx.ports.repo.files(str(taken.app))


def still_there(ctx: Context, source: Source) -> bool:
    """Is a checkout of ours still what the evidence says? The user's own work tree always is."""
    app = Path(source.path)
    if not app.is_dir():
        return False
    repository = Path(source.repository) if source.repository else None
    taken = Taken(app, Path(source.root), repository, source.managed)
    return not source.managed or source.content == content_hash(
        app, in_force(app), listed(ctx, taken)
    )


def _work_tree(app: Path, head: Head | None) -> Taken:
    root = Path(head.root) if head else app
    return Taken(app, root, root if head else None)


def _checkout(ctx: Context, wanted: Wanted, git: str) -> Taken:
    url, target = _url(ctx, git), ctx.project.state / "checkout"
    shown = without_credentials(url)
    ctx.progress(f"fetching {shown}" + (f" at {wanted.ref}" if wanted.ref else ""))
    with ctx.journal.effect("checkout", str(target)):
        head = ctx.ports.repo.clone(
            url, wanted.ref or "", str(target), depth=wanted.depth, submodules=wanted.submodules,
            on_line=ctx.log, scope=ctx.scope,
        )  # fmt: skip
    root = Path(head.root)
    return Taken(_folder(root / wanted.path, wanted.path), root, root, managed=True, url=shown)


def _export(ctx: Context, app: Path, head: Head | None) -> Taken:
    tracked = _tracked(head, app)
    target = ctx.project.state / "export"
    with ctx.journal.effect("export", str(target)):
        ctx.ports.repo.export(tracked.root, str(tracked.commit), str(target), ctx.scope)
    inside = app.relative_to(tracked.root)
    return Taken(
        _folder(target / inside, f"{inside} (as committed)"), target, Path(tracked.root),
        managed=True,
    )  # fmt: skip


def _tracked(head: Head | None, app: Path) -> Head:
    if head is None:
        raise UsageError(
            f"`clean: true` takes what is committed, and {app} is in no git repository",
            hint="git init, or leave `clean` out.",
        )
    if head.commit is None:
        raise GitUnusable(f"nothing is committed in {head.root} yet", hint="git commit")
    return head


def _folder(path: Path, shown: str) -> Path:
    if not path.is_dir():
        raise UsageError(
            f"the folder of the app, {shown}, does not exist" + (" (a file)" * path.exists()),
            hint="`path:` of `code` is relative to pipeline.yml, or to the checkout of `git:`.",
        )
    return path


def _url(ctx: Context, git: str) -> str:
    """With secrets in, and paths from where pipeline.yml is."""
    url = ctx.secrets.expand(git)
    return url if is_remote(url) or "://" in url else str(ctx.path(url))


def _base(ctx: Context, head: Head) -> Commit | None:
    return ctx.ports.repo.base_commit(head.root, RUN_TRAILER, is_evidence)


def _versions(ctx: Context, head: Head, base: Commit | None) -> tuple[str, ...]:
    """Of HEAD and, when that is a record of ours, of the commit that it is about."""
    commits = {head.commit, base.id if base else None} - {None}
    return tuple(ctx.ports.repo.versions(head.root, *filter(None, commits))) if commits else ()


def _dirty(ctx: Context, head: Head) -> bool:
    """Does the code differ from the commit? A new Dockerfile is evidence of its own; a changed one
    is, too, when the pipeline is going to commit it."""
    recorded = "track" in ctx.peers
    return any(not (recorded and is_evidence(path)) for path in head.changed) or any(
        not is_evidence(path) for path in head.new
    )
