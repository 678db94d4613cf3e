"""The git command: argv lists, deadlines, a hardened environment, failures in our own terms.

GitPython starts the local commands (locale, process, time limit). Its readers of objects and refs
are not used: they know neither SHA-256 repositories nor reftable, and wait without a deadline.
Commands that talk to a network stream their output and end with a scope.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pipeline.adapters.shell import run_argv
from pipeline.errors import DeadlineExceeded, GitUnusable
from pipeline.kit.git_names import scrub
from pipeline.ports.engine import OnLine
from pipeline.scope import Scope

LOCAL_LIMIT = 60.0
"""Seconds for a command that only reads and writes this disk."""

_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "submodule.recurse": "false",
    "push.followTags": "false",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "log.showSignature": "false",
    "i18n.commitEncoding": "UTF-8",
    "advice.detachedHead": "false",
    "credential.interactive": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
}
"""Given to every command: no hook or monitor of a checkout runs, nothing stays in the background,
a stalled transfer ends."""

_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}
_POINTERS = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE",
    "GIT_SHALLOW_FILE",
)  # fmt: skip
"""Set inside git's own hooks; they would point every command at that repository."""

_REMEDIES = (
    (r"(?:dubious ownership|unsafe repository)[^']*'(?P<it>[^']+)'",
     "Another user owns it. If you trust it: git config --global --add safe.directory '{it}'"),
    (r"Unable to create '(?P<it>[^']+\.lock)': File exists",
     "Another git command is at work there, or one was killed. If none runs, remove {it}"),
    (r"terminal prompts disabled|could not read (?:Username|Password)|Authentication failed"
     r"|HTTP Basic: Access denied|The requested URL returned error: 40[13]",
     "Give git access that needs no question: a credential helper, or a token in a named secret."),
    (r"Permission denied \(|Host key verification failed",
     "Add the SSH key to the agent and to the server, and the server to known_hosts; "
     "`ssh -o BatchMode=yes HOST` must succeed."),
    (r"Could not resolve host|Connection (?:refused|timed out)|Failed to connect|unable to connect"
     r"|Network is unreachable|early EOF|unexpected disconnect|low speed limit",
     "Check the network and the server, then run again."),
    (r"does not appear to be a git repository|[Rr]epository not found|repository '.*' not found"
     r"|error: 404|does not exist",
     "Check the URL, and that you may read it: git ls-remote URL"),
    (r"transport '(?P<it>[^']+)' not allowed",
     "These protocols are taken: file, git, http, https, ssh."),
    (r"No space left on device|disk quota", "Free some disk space, then run again."),
    (r"(?:gpg|ssh-keygen)[\s\S]*failed to sign|failed to sign|gpg failed",
     "Signing is on here (commit.gpgsign or tag.gpgsign) and needs a key that asks nothing; "
     "give the agent the key, or turn it off for this repository."),
    (r"bad object|loose object|missing blob|corrupt", "`git fsck` tells what is damaged."),
)  # fmt: skip


class Answer(NamedTuple):
    code: int
    out: bytes
    error: str

    @property
    def text(self) -> str:
        """Output without its last line end; bytes that are no text survive as surrogates."""
        return os.fsdecode(self.out).removesuffix("\n")


class Git:
    """Runs git in one directory, with ``env`` for every command."""

    def __init__(self, directory: str | Path, env: Mapping[str, str] | None = None) -> None:
        self.directory = str(directory)
        self._env = {**_ENVIRONMENT, **(env or {})}

    def ask(
        self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> Answer:
        """Run a local command; any exit code is an answer.

        Raises:
            GitUnusable: git is not installed, or did not end within ``LOCAL_LIMIT``.
        """
        try:
            import git  # takes 40 ms and a run of git: not at start-up
        except ImportError as problem:  # which is how it says that there is no git
            raise not_installed() from problem
        if not Path(self.directory).is_dir():  # it would run elsewhere then
            raise GitUnusable(f"the folder {self.directory} does not exist")
        with _file(stdin) as feed:
            try:
                code, out, error = git.Git(self.directory).execute(
                    argv(*args, keep=env or ()), istream=feed, with_extended_output=True,
                    with_exceptions=False, stdout_as_string=False, strip_newline_in_stdout=False,
                    kill_after_timeout=LOCAL_LIMIT, env={**self._env, **(env or {})},
                    start_new_session=True,
                )  # fmt: skip
            except git.GitCommandNotFound as problem:
                raise not_installed() from problem
        if code < 0 and error.startswith("Timeout:"):
            raise GitUnusable(
                f"git {args[0]} did not end within {LOCAL_LIMIT:g} s",
                hint=f"Is the disk that holds {self.directory} in order?",
            )
        return Answer(code, out, error)

    def run(
        self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> Answer:
        """Run a local command that has to succeed.

        Raises:
            GitUnusable: it did not; the message has git's own words.
        """
        answer = self.ask(*args, stdin=stdin, env=env)
        if answer.code != 0:
            raise failure(args[0], answer.error or answer.text)
        return answer

    def text(self, *args: str, env: Mapping[str, str] | None = None) -> str:
        return self.run(*args, env=env).text

    def stream(
        self, *args: str, on_line: OnLine, scope: Scope, env: Mapping[str, str] | None = None,
        config: Sequence[str] = (),
    ) -> tuple[int, list[str]]:  # fmt: skip
        """Run a command that may take long; its exit code and its lines (at most the last 500),
        with credentials taken out of them. It ends with the scope.

        Raises:
            GitUnusable: git is not installed.
        """
        lines: list[str] = []

        def take(line: str) -> None:
            clean = scrub(line)
            lines.append(clean)
            del lines[:-500]
            on_line(clean)

        completed = run_argv(
            argv(*args, config=config, keep=env or ()), cwd=self.directory, on_line=take,
            scope=scope, environment={**self._env, **(env or {})},
        )  # fmt: skip
        return completed.exit_code, lines


@contextmanager
def _file(data: bytes | None) -> Iterator[BinaryIO | None]:
    """What GitPython takes as standard input: a real file, or None for nothing."""
    if data is None:
        yield None
        return
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file


def argv(*args: str, config: Sequence[str] = (), keep: Collection[str] = ()) -> list[str]:
    """The whole command line of ``git ARGS``.

    ``config`` has further settings (``key=value``); ``keep`` names variables that are meant.
    """
    pointers = [name for name in _POINTERS if name in os.environ and name not in keep]
    clean = ["env", *(part for name in pointers for part in ("-u", name))] if pointers else []
    settings = [*(f"{key}={value}" for key, value in _CONFIG.items()), *config]
    options = [part for setting in settings for part in ("-c", setting)]
    return [*clean, "git", *options, *args]


def failure(what: str, words: str) -> GitUnusable:
    """git's refusal of ``git WHAT`` as an error of ours."""
    text = scrub(words).strip()
    lines = [line for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"(?:fatal|error|remote): ", line)]
    first = re.sub(r"^(?:fatal|error|remote): ", "", (telling or lines or ["no reason given"])[0])
    return GitUnusable(f"git {what} failed: {first}", hint=remedy(text), detail=text)


def remedy(words: str) -> str:
    """The next step for what git said; empty when none is known."""
    for pattern, hint in _REMEDIES:
        found = re.search(pattern, words)
        if found:
            return hint.replace("{it}", found.groupdict().get("it") or "")
    return ""


def quiet(_line: str) -> None:
    """An ``OnLine`` for output that only counts when it fails."""


def not_installed() -> GitUnusable:
    return GitUnusable(
        "git is not installed", hint="Install git, or run in a folder that is no git repository."
    )


def late(what: str, limit: float, error: DeadlineExceeded, scope: Scope) -> Exception:
    """What ``error`` of a sub-scope of ``limit`` seconds means: the remote's fault, unless
    ``scope`` itself is over."""
    if scope.remaining() <= 0:
        return error
    return GitUnusable(
        f"{what} did not answer within {limit:g} s", hint="Check the network and the server."
    )
