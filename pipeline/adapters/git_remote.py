"""Talking to other repositories: where a ref is, fetching, pushing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipeline.adapters.git_command import Git, failure, late, quiet
from pipeline.adapters.git_read import remotes, resolve
from pipeline.errors import DeadlineExceeded, GitRejected, GitUnusable
from pipeline.kit.git_names import check_revision, check_url, credentials, without_credentials
from pipeline.kit.names import did_you_mean
from pipeline.ports.engine import OnLine
from pipeline.ports.repo import Located
from pipeline.scope import Scope

ANSWER_LIMIT = 120.0
"""Seconds for an exchange that moves little: asking, fetching what is new."""
PUSH_LIMIT = 300.0
"""Seconds for a push."""

_LISTED = re.compile(r"(?P<oid>[0-9a-f]{40}(?:[0-9a-f]{24})?)\t(?P<ref>\S+)")
_SYMBOLIC = re.compile(r"ref: (?P<ref>refs/heads/\S+)\tHEAD")
_FULL_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_RESULT = re.compile(r"(?P<flag>[ +\-*!=])\t[^\t]*\t(?P<summary>.*)")
_SERVER = "remote: "
HELPER = '!f() { echo "username=$DOCKCYCLE_GIT_USER"; echo "password=$DOCKCYCLE_GIT_SECRET"; }; f'


@dataclass(frozen=True)
class Access:
    """A URL without its credentials, and how git gets at them: not by any command line."""

    url: str
    config: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


def access(url: str) -> Access:
    """Take a URL apart.

    Raises:
        GitUnusable: git's own rules refuse it.
    """
    try:
        check_url(url)
    except ValueError as error:
        raise GitUnusable(
            str(error), hint="Write https://…, ssh://…, host:path or a path."
        ) from error
    found = credentials(url)
    if found is None:
        return Access(url)
    user, secret = found
    return Access(
        without_credentials(url),
        config=("credential.helper=", f"credential.helper={HELPER}"),  # no other is asked
        env={"DOCKCYCLE_GIT_USER": user, "DOCKCYCLE_GIT_SECRET": secret},
    )


def locate(url: str, ref: str, scope: Scope) -> Located:
    """See ``Repo.locate``."""
    where = access(url)
    wanted = _revision(ref)
    if _FULL_ID.fullmatch(wanted):
        return Located(commit=wanted)
    names = [f"refs/heads/{wanted}", f"refs/tags/{wanted}", f"refs/tags/{wanted}^{{}}"]
    lines = _listed(where, names if wanted else ["HEAD"], scope)
    listed = {m["ref"]: m["oid"] for line in lines if (m := _LISTED.fullmatch(line))}
    if not wanted:
        symbolic = next((m["ref"] for line in lines if (m := _SYMBOLIC.fullmatch(line))), "")
        if "HEAD" in listed:
            return Located(commit=listed["HEAD"], ref=symbolic)
        raise GitUnusable(f"{where.url} has no default branch", hint="Set `ref:` to a branch.")
    branch, tag, peeled = names
    if branch in listed:
        return Located(commit=listed[branch], ref=branch)
    if tag in listed:
        return Located(commit=listed.get(peeled, listed[tag]), ref=tag)
    raise _no_such_ref(where, wanted, scope)


def refs(url: str, patterns: Sequence[str], scope: Scope) -> dict[str, str]:
    """Full name → commit of the refs that match ``patterns`` (``refs/heads/*``).

    Raises:
        GitUnusable: the repository does not answer.
    """
    found: dict[str, str] = {}

    def take(line: str) -> None:
        if listed := _LISTED.fullmatch(line):
            found[listed["ref"]] = listed["oid"]

    _listed(access(url), list(patterns), scope, take)
    peeled = {ref.removesuffix("^{}"): oid for ref, oid in found.items() if ref.endswith("^{}")}
    return {ref: oid for ref, oid in {**found, **peeled}.items() if not ref.endswith("^{}")}


def _revision(ref: str) -> str:
    try:
        return check_revision(ref) if ref else ""
    except ValueError as error:
        raise GitUnusable(str(error), hint="Set `ref:` to a branch, tag or commit.") from error


def _listed(where: Access, patterns: list[str], scope: Scope, on_line: OnLine = quiet) -> list[str]:
    def ask(inner: Scope) -> tuple[int, list[str]]:
        return Git(os.sep).stream(
            "ls-remote", "--symref", "--", where.url, *patterns, on_line=on_line, scope=inner,
            env=where.env, config=where.config,
        )  # fmt: skip

    code, lines = in_time(where.url, ask, scope)
    if code != 0:
        raise failure("ls-remote", "\n".join(lines))
    return lines


def _no_such_ref(where: Access, wanted: str, scope: Scope) -> GitUnusable:
    lines = _listed(where, ["refs/heads/*", "refs/tags/*"], scope)
    names = {m["ref"].split("/", 2)[2] for line in lines if (m := _LISTED.fullmatch(line))}
    hint = did_you_mean(wanted, sorted(names)[:20])
    return GitUnusable(f"{where.url} has no branch or tag {wanted}", hint=hint)


def in_time(
    what: str, talk: Callable[[Scope], tuple[int, list[str]]], scope: Scope,
    limit: float = ANSWER_LIMIT,
) -> tuple[int, list[str]]:  # fmt: skip
    """Talk to a remote for at most ``limit`` seconds; silence is the remote's failure."""
    try:
        return talk(scope.child(limit, what=f"the exchange with {what}"))
    except DeadlineExceeded as error:
        raise late(what, limit, error, scope) from error


def require_remote(git: Git, remote: str) -> None:
    """Raises ``GitUnusable`` when no remote of that name is configured."""
    known = remotes(git)
    if remote not in known:
        raise GitUnusable(
            f'there is no git remote "{remote}"',
            hint=did_you_mean(remote, known) or f"git remote add {remote} URL",
        )


def fetch_branch(git: Git, remote: str, branch: str, on_line: OnLine, scope: Scope) -> str:
    """Fetch one branch of a remote; the commit that it is at."""

    def talk(inner: Scope) -> tuple[int, list[str]]:
        return git.stream(
            "fetch", "--no-tags", "--no-recurse-submodules", "--", remote, f"refs/heads/{branch}",
            on_line=on_line, scope=inner,
        )  # fmt: skip

    code, lines = in_time(remote, talk, scope)
    tip = resolve(git, "FETCH_HEAD") if code == 0 else None
    if tip is None:
        raise failure("fetch", "\n".join(lines))
    return tip


@dataclass(frozen=True)
class Pushed:
    """What the remote said to one ref."""

    verdict: Literal["done", "stale", "refused"]
    """``stale``: the remote has something that we do not have, and nothing was changed."""
    reason: str = ""
    words: str = ""
    """What the server printed."""

    def rejected(self, remote: str, what: str) -> GitRejected:
        return GitRejected(
            f"{remote} refuses {what}: {self.reason}",
            hint="The server's own words are below; a protected branch needs `pull_request: true`.",
            detail=self.words,
        )


def push_ref(git: Git, remote: str, source: str, ref: str, on_line: OnLine, scope: Scope) -> Pushed:
    """Push one commit or tag object to one full ref, never by force.

    Raises:
        GitUnusable: the push did not come to a verdict: no access, no answer.
    """

    def talk(inner: Scope) -> tuple[int, list[str]]:
        return git.stream(
            "push", "--porcelain", "--no-verify", "--recurse-submodules=no", "--", remote,
            f"{source}:{ref}", on_line=server_only, scope=inner,
        )  # fmt: skip

    def server_only(line: str) -> None:
        if line.startswith(_SERVER):
            on_line(line)

    code, lines = in_time(remote, talk, scope, PUSH_LIMIT)
    results = [m for line in lines if (m := _RESULT.fullmatch(line))]
    if not results:
        raise failure("push", "\n".join(lines))
    flag, summary = results[-1]["flag"], results[-1]["summary"]
    if flag != "!" and code == 0:
        return Pushed("done")
    server = [line.removeprefix(_SERVER).rstrip() for line in lines if line.startswith(_SERVER)]
    said = "\n".join(server)
    if summary.startswith("[rejected]"):
        return Pushed("stale", reason=_reason(summary), words=said)
    return Pushed("refused", reason=_reason(summary), words=said or "\n".join(lines))


def _reason(summary: str) -> str:
    """``[remote rejected] (hook declined)`` → ``hook declined``."""
    found = re.search(r"\((.*)\)$", summary)
    return found[1] if found else summary
