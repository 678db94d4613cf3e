"""Pushing a branch that may have moved on meanwhile, and tags."""

from __future__ import annotations

from pipeline.adapters.git_command import Git, quiet
from pipeline.adapters.git_commit import Target, branch_ref, checked_out, move_ref
from pipeline.adapters.git_objects import Entry, make_commit, tree_entries, write_tree
from pipeline.adapters.git_read import changed_paths, resolve
from pipeline.adapters.git_read import commit as read_commit
from pipeline.adapters.git_remote import fetch_branch, push_ref, require_remote
from pipeline.adapters.git_tags import tag_ref
from pipeline.errors import GitUnusable
from pipeline.kit.git_names import RUN_TRAILER
from pipeline.ports.engine import OnLine
from pipeline.ports.repo import Commit
from pipeline.scope import Scope

TRIES = 3
_MOST = 200
"""Commits looked at when branches are compared."""


def push_branch(
    git: Git, remote: str, *, commit: str, branch: str, reapply: bool, on_line: OnLine,
    scope: Scope,
) -> str:  # fmt: skip
    """See ``Repo.push_branch``."""
    ref = branch_ref(branch)
    require_remote(git, remote)
    ours = commit
    for _ in range(1 + TRIES * reapply):
        pushed = push_ref(git, remote, ours, ref, on_line, scope)
        if pushed.verdict == "done":
            _local_follows(git, ref, commit, ours)
            return ours
        if pushed.verdict == "refused" and not _moved_on(git, remote, branch, ours, scope):
            raise pushed.rejected(remote, f"branch {branch}")
        if not reapply:
            break
        tip = fetch_branch(git, remote, branch, on_line, scope)
        if _contains(git, tip, commit):
            return tip
        ours = _reapply(git, commit, tip, f"{remote}/{branch}")
        if ours == tip:
            return tip
    raise GitUnusable(
        f"{remote}/{branch} has moved on" + (" again and again" if reapply else ""),
        hint="git pull, then run again.",
    )


def push_tag(git: Git, remote: str, name: str, *, on_line: OnLine, scope: Scope) -> None:
    """See ``Repo.push_tag``."""
    ref = tag_ref(name)
    require_remote(git, remote)
    pushed = push_ref(git, remote, ref, ref, on_line, scope)
    if pushed.verdict != "done":
        raise pushed.rejected(remote, f"tag {name}")


def unpushed(git: Git, remote: str, *, commit: str, branch: str) -> list[Commit]:
    """See ``Repo.unpushed``."""
    seen = resolve(git, f"refs/remotes/{remote}/{branch}")
    if seen is None and not git.text("for-each-ref", "--count=1", f"refs/remotes/{remote}/"):
        return []
    known = [f"^{seen}"] if seen else ["--not", f"--remotes={remote}"]
    answer = git.text("rev-list", f"--max-count={_MOST}", commit, *known, "--")
    return [read_commit(git, oid) for oid in answer.split()]


def _moved_on(git: Git, remote: str, branch: str, ours: str, scope: Scope) -> bool:
    """Was the refusal only a race? Then the branch has something by now that we do not have."""
    try:
        tip = fetch_branch(git, remote, branch, quiet, scope)
    except GitUnusable:
        return False
    return not _contains(git, ours, tip)


def _contains(git: Git, commit: str, other: str) -> bool:
    """Is ``other`` an ancestor of ``commit`` (or itself)?"""
    return git.ask("merge-base", "--is-ancestor", other, commit).code == 0


def _missing(git: Git, there: str, commit: str) -> list[str]:
    """Commits of ``commit`` that ``there`` does not have, newest first."""
    answer = git.text("rev-list", f"--max-count={_MOST}", commit, f"^{there}", "--")
    return answer.split()


def _reapply(git: Git, commit: str, tip: str, name: str) -> str:
    """Our commits that ``tip`` lacks, made again on top of it.

    Raises:
        GitUnusable: there are commits of others among them, or ``tip`` has other changes to the
            same files.
    """
    missing = [read_commit(git, oid) for oid in _missing(git, tip, commit)]
    foreign = [c for c in missing if RUN_TRAILER not in c.trailers or len(c.parents) > 1]
    if foreign:
        raise GitUnusable(
            f"{name} has moved on, and your branch has {len(foreign)} commits that it lacks",
            hint="Bring them together yourself (git pull --rebase), then run again.",
            detail="\n".join(f"{c.id[:12]} {c.subject}" for c in foreign[:10]),
        )
    for one in reversed(missing):
        tip = _on_top(git, one, tip, name)
    return tip


def _on_top(git: Git, one: Commit, tip: str, name: str) -> str:
    """A commit of ours on top of ``tip``; ``tip`` itself when that has its files already."""
    parent = one.parents[0] if one.parents else None
    paths = changed_paths(git, one.id)
    before, after = tree_entries(git, parent, paths), tree_entries(git, one.id, paths)
    there = tree_entries(git, tip, paths)
    if there == after:
        return tip
    clash = [p for p in paths if there.get(p) not in (before.get(p), after.get(p))]
    if clash:
        raise GitUnusable(
            f"{name} has other changes to {clash[0]}",
            hint="Bring them together yourself (git pull --rebase), then run again.",
        )
    entries: dict[str, Entry] = {path: after[path] for path in paths if path in after}
    message = git.run("log", "-1", "--format=%B", "--end-of-options", one.id, "--").out
    author = git.text("log", "-1", "--format=%an%x00%ae%x00%aI", "--end-of-options", one.id, "--")
    keys = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE")
    env = dict(zip(keys, author.split("\0"), strict=True))
    return make_commit(git, write_tree(git, tip, entries), tip, message.rstrip() + b"\n", env)


def _local_follows(git: Git, ref: str, old: str, new: str) -> None:
    """Move the local branch to what was pushed, but never under somebody's work tree."""
    if old == new or resolve(git, ref) != old or checked_out(git, ref):
        return
    move_ref(git, Target(ref=ref, tip=old, old=old, current=False), new, "follow the remote")
