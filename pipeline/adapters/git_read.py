"""Reading a repository: state of the work tree, commits, files, tags, remotes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.adapters.git_command import Answer, Git, failure
from pipeline.adapters.git_objects import records
from pipeline.errors import GitUnusable
from pipeline.kit.git_names import check_branch, without_credentials
from pipeline.ports.repo import Commit, Head

_FIELDS = ("%H", "%P", "%s", "%an", "%cI", "%(trailers:only,unfold)")
_FORMAT = "%x00".join(_FIELDS)
_SEMVER = re.compile(
    r"v?(?P<core>(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*))"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)


def root(directory: str) -> str | None:
    """Top of the work tree; None outside of any (in a bare repository or in ``.git`` too)."""
    try:
        answer = Git(directory).ask("rev-parse", "--show-toplevel")
    except GitUnusable:
        if Path(directory).is_dir() and not _looks_tracked(directory):
            return None  # no git command, and no repository that would need one
        raise
    if answer.code == 0:
        return answer.text
    if "not a git repository" in answer.error or "must be run in a work tree" in answer.error:
        return None
    raise failure("rev-parse", answer.error)


def work_tree(directory: str) -> Git:
    """git at the top of the work tree.

    Raises:
        GitUnusable: there is none.
    """
    top = root(directory)
    if top is None:
        raise GitUnusable(f"{directory} is not in a git work tree", hint="git init")
    return Git(top)


def head(directory: str) -> Head | None:
    """See ``Repo.head``."""
    top = root(directory)
    if top is None:
        return None
    answer = Git(top).run(
        "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal", "--no-renames",
        "--ignore-submodules=none",
    )  # fmt: skip
    facts: dict[str, str] = {}
    changed: list[str] = []
    new: list[str] = []
    for record in records(answer):
        kind, _, rest = record.partition(" ")
        if kind == "#":
            key, _, value = rest.partition(" ")
            facts[key] = value
        elif kind == "?":
            new.append(rest)
        elif kind == "1":
            staged, _, path = rest.partition(" ")
            (new if staged.startswith("A") else changed).append(path.split(" ", 6)[-1])
        elif kind == "u":
            changed.append(rest.split(" ", 9)[-1])
    commit = facts["branch.oid"]
    return Head(
        root=top, commit=None if commit == "(initial)" else commit,
        branch=_branch(facts["branch.head"]), changed=tuple(changed), new=tuple(new),
    )  # fmt: skip


def commit(git: Git, revision: str) -> Commit:
    """Facts of one commit."""
    return _commit(git.run(*_log_one(revision)))


def _log_one(revision: str) -> list[str]:
    return ["log", "-1", "--no-color", f"--format={_FORMAT}", "--end-of-options", revision, "--"]


def _commit(answer: Answer) -> Commit:
    oid, parents, subject, author, committed, trailers = answer.text.split("\0", 5)
    return Commit(
        id=oid, parents=tuple(parents.split()), subject=subject, author=author,
        committed=committed, trailers=_trailers(trailers),
    )  # fmt: skip


def base_commit(git: Git, trailer: str, ours: Callable[[str], bool]) -> Commit | None:
    """See ``Repo.base_commit``."""
    answer = git.ask(*_log_one("HEAD"))
    if answer.code != 0:
        return None
    found = _commit(answer)
    while trailer in found.trailers and len(found.parents) == 1:
        below = git.ask(*_log_one(found.parents[0]))
        if below.code != 0:  # not fetched: a shallow clone
            break
        if not all(ours(path) for path in changed_paths(git, found.id)):
            break
        found = _commit(below)
    return found


def changed_paths(git: Git, oid: str) -> list[str]:
    """Paths that a commit changes against its first parent."""
    answer = git.run(
        "diff-tree", "--root", "--no-commit-id", "--name-only", "--no-renames", "-r", "-z",
        "--end-of-options", oid,
    )  # fmt: skip
    return records(answer)


def resolve(git: Git, revision: str) -> str | None:
    """The commit that a revision stands for; None when there is no such thing."""
    answer = git.ask(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    return answer.text if answer.code == 0 else None


def files(directory: str) -> list[str]:
    """See ``Repo.files``."""
    answer = Git(directory).run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    top = Path(directory)
    return sorted({path for path in records(answer) if os.path.lexists(top / path)})


def remote_url(git: Git, remote: str) -> str | None:
    """See ``Repo.remote_url``."""
    answer = git.ask("remote", "get-url", "--", remote)
    if answer.code == 0:
        return without_credentials(answer.text)
    if remote in remotes(git):
        raise failure("remote", answer.error)
    return None


def remotes(git: Git) -> list[str]:
    """Names of the remotes that are configured."""
    return git.text("remote").split()


def tags(git: Git, commits: Sequence[str]) -> list[str]:
    """Names of the tags at one of ``commits``. See ``Repo.tags``."""
    at = [f"--points-at={oid}" for oid in commits]
    answer = git.text("for-each-ref", *at, "--format=%(refname:strip=2)", "refs/tags")
    return [tag for tag in answer.split("\n") if tag]


def versions(git: Git, commits: Sequence[str]) -> list[str]:
    """See ``Repo.versions``."""
    found = [match for tag in tags(git, commits) if (match := _SEMVER.fullmatch(tag))]
    ordered = sorted(found, key=_precedence, reverse=True)
    return list(dict.fromkeys(match[0].removeprefix("v") for match in ordered))


def log(git: Git, since: str, until: str, limit: int) -> list[str]:
    """See ``Repo.log``."""
    answer = git.run(
        "log", "-z", "--no-color", f"--max-count={limit}", "--format=%s",
        "--end-of-options", f"{since}..{until}", "--",
    )  # fmt: skip
    return records(answer)


def _branch(name: str) -> str | None:
    """The branch, held to git's rule: one that could be taken for an option goes no further."""
    if name == "(detached)":
        return None
    try:
        return check_branch(name)
    except ValueError as error:
        raise GitUnusable(
            f"the branch that is checked out cannot be used: {error}",
            hint="git checkout -b NEW-NAME",
        ) from error


def _looks_tracked(directory: str) -> bool:
    path = Path(directory).resolve()
    return any((folder / ".git").exists() for folder in (path, *path.parents))


def _trailers(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _precedence(match: re.Match[str]) -> tuple[object, ...]:
    """The order of semantic versions; numbers before words, a release after its candidates."""
    core = tuple(int(number) for number in match["core"].split("."))
    pre = match["pre"]
    if pre is None:
        return (core, 1, ())
    parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in pre.split("."))
    return (core, 0, parts)
