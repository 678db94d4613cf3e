"""Committing exactly the files given, through an index of our own.

The order makes a kill at any point harmless: objects first, which nobody sees; then the entries of
these paths in the user's index; then the branch, by compare-and-swap. Killed between the last two,
the next try finds the index as it should be and moves the branch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.adapters.git_command import Git, failure
from pipeline.adapters.git_objects import (
    Entry,
    feed,
    hash_file,
    make_commit,
    put_entries,
    records,
    tree_entries,
    with_trailers,
    write_tree,
)
from pipeline.adapters.git_read import resolve
from pipeline.errors import GitUnusable
from pipeline.kit.git_names import check_branch
from pipeline.ports.repo import CommitResult

TRIES = 3


@dataclass(frozen=True)
class Target:
    """What a commit goes onto."""

    ref: str
    """Full name of the branch, or ``HEAD`` when detached."""
    tip: str | None
    """The commit to build on; None before the first one."""
    old: str
    """What the ref must still be when it is moved; empty when it must not exist."""
    current: bool
    """Is it what the work tree is at, so that the user's index has to follow?"""


def commit_files(
    git: Git, files: Mapping[str, bytes], *, message: str, trailers: Mapping[str, str],
    branch: str | None,
) -> CommitResult:  # fmt: skip
    """See ``Repo.commit_files``."""
    for _ in range(TRIES):
        target = find_target(git, branch)
        before = tree_entries(git, target.tip, files)
        ignored = _ignored(git, [path for path in files if path not in before])
        wanted = {path: data for path, data in files.items() if path not in ignored}
        after = _store(git, wanted, before)
        if target.tip is not None and before == after:
            if not target.old:
                move_ref(git, target, target.tip, "create the branch")
            return CommitResult(commit=target.tip, created=False, ignored=ignored)
        oid = make_commit(
            git, write_tree(git, target.tip, after), target.tip,
            with_trailers(message, trailers).encode(),
        )  # fmt: skip
        kept = _index_follows(git, before, after) if target.current else ()
        if move_ref(git, target, oid, message):
            return CommitResult(commit=oid, created=True, kept=kept, ignored=ignored)
        if target.current:
            _index_follows(git, after, before)
    raise GitUnusable(
        f"{target.ref} kept moving while a commit was made for it",
        hint="Something else commits there at the same time; run again when it is done.",
    )


def has_files(git: Git, files: Mapping[str, bytes], branch: str | None) -> bool:
    """See ``Repo.has_files``. Writes nothing, not even objects."""
    target = find_target(git, branch)
    if target.tip is None or not target.old:
        return False
    before = tree_entries(git, target.tip, files)
    ignored = _ignored(git, [path for path in files if path not in before])
    return all(
        path in ignored or (path in before and before[path].blob == hash_file(git, path, data))
        for path, data in files.items()
    )


def find_target(git: Git, branch: str | None) -> Target:
    """Where a commit would go.

    Raises:
        GitUnusable: a rebase is under way, or the branch is checked out in another work tree.
    """
    answer = git.ask("symbolic-ref", "--quiet", "HEAD")
    current = answer.text if answer.code == 0 else "HEAD"
    tip = resolve(git, "HEAD")
    if branch is None or current == f"refs/heads/{branch}":
        _refuse_unfinished(git)
        return Target(ref=current, tip=tip, old=tip or "", current=True)
    ref = branch_ref(branch)
    place = checked_out(git, ref)
    if place:
        raise GitUnusable(
            f"the branch {branch} is checked out in another work tree, {place}",
            hint="Run there, or choose another branch.",
        )
    old = resolve(git, ref)
    return Target(ref=ref, tip=old or tip, old=old or "", current=False)


def branch_ref(branch: str) -> str:
    """Full name of a branch.

    Raises:
        GitUnusable: git's own rule refuses it.
    """
    try:
        return f"refs/heads/{check_branch(branch)}"
    except ValueError as error:
        raise GitUnusable(str(error), hint="Set `branch:` to another name.") from error


def checked_out(git: Git, ref: str) -> str | None:
    """The work tree that has a branch checked out; None without one."""
    place = None
    for line in git.text("worktree", "list", "--porcelain").split("\n"):
        key, _, value = line.partition(" ")
        if key == "worktree":
            place = value
        elif key == "branch" and value == ref:
            return place
    return None


def move_ref(git: Git, target: Target, oid: str, message: str) -> bool:
    """Compare and swap; False when the ref is not where it was any more."""
    options = ["--no-deref"] if target.ref == "HEAD" else []
    reason = f"dockcycle: {message.partition(chr(10))[0]}"
    answer = git.ask("update-ref", *options, "-m", reason, target.ref, oid, target.old)
    if answer.code == 0:
        return True
    if (resolve(git, target.ref) or "") != target.old:
        return False
    raise GitUnusable(
        f"git would not move {target.ref}", detail=answer.error,
        hint="If a .lock file is named and no git runs, remove it.",
    )  # fmt: skip


def _store(git: Git, files: Mapping[str, bytes], before: Mapping[str, Entry]) -> dict[str, Entry]:
    """Write the contents as blobs; a file keeps its mode."""
    new = Entry("100644", "")
    return {
        path: Entry(before.get(path, new).mode, hash_file(git, path, data, write=True))
        for path, data in files.items()
    }


def _ignored(git: Git, new: Collection[str]) -> tuple[str, ...]:
    """Those of the untracked paths that git is told to ignore."""
    if not new:
        return ()
    # The one command that refuses literal paths; ./ keeps a leading colon from being magic.
    answer = git.ask(
        "check-ignore", "-z", "--stdin", stdin=feed([f"./{path}" for path in new]),
        env={"GIT_LITERAL_PATHSPECS": "0"},
    )  # fmt: skip
    if answer.code > 1:
        raise failure("check-ignore", answer.error)
    return tuple(path.removeprefix("./") for path in records(answer))


def _index_follows(
    git: Git, before: Mapping[str, Entry], after: Mapping[str, Entry]
) -> tuple[str, ...]:
    """Let the user's index follow where it has no changes of its own; the paths where it has."""
    paths = list(dict.fromkeys([*before, *after]))
    staged = _staged(git, paths)
    kept = tuple(p for p in paths if staged.get(p) not in (before.get(p), after.get(p)))
    moving = {p: after.get(p) for p in paths if p not in kept and staged.get(p) != after.get(p)}
    if moving:
        put_entries(git, moving)
    return kept


def _staged(git: Git, paths: Collection[str]) -> dict[str, Entry | str]:
    """Entries of the user's index; a conflict counts as an entry that equals no other."""
    # A file of `git add --intent-to-add` is new to `diff`, and has no content staged.
    intended = records(git.run("diff", "--name-only", "--diff-filter=A", "-z", "--", *paths))
    found: dict[str, Entry | str] = {}
    for record in records(git.run("ls-files", "--stage", "-z", "--", *paths)):
        facts, _, path = record.partition("\t")
        mode, blob, stage = facts.split(" ")
        if path not in intended:
            found[path] = Entry(mode, blob) if stage == "0" else "conflict"
    return found


def _refuse_unfinished(git: Git) -> None:
    answer = git.text("rev-parse", "--git-path", "rebase-merge", "--git-path", "rebase-apply")
    if any((Path(git.directory) / path).exists() for path in answer.split("\n")):
        raise GitUnusable(
            "a rebase is under way in this work tree",
            hint="Finish it first: git rebase --continue, or --abort.",
        )
