"""Pieces of Dockerfiles that authors share."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import words

_ALONE = frozenset({"/usr/local/share/.cache", "/root/.bun/install/cache", "/root/.m2", "/gradle"})
"""Caches of Yarn 1, Bun, Maven and Gradle, which two builds at the same time would spoil; other
tools share theirs."""
_QUOTED = re.compile(r"'[^']*'|\"[^\"$`\\]*\"")
"""Text that a shell would take as it is."""
_NEEDS_SHELL = re.compile(r"[$`\\|&;<>()*?\[\]{}~#\n'\"]")
_COMPOUND = re.compile(r"[|&;\n]")
_ASSIGNMENTS = re.compile(r"^(?:[A-Za-z_]\w*=\S*\s+)+")


def paragraphs(*groups: Iterable[m.Item]) -> tuple[m.Item, ...]:
    """The groups that have something in them, with an empty line between."""
    items: list[m.Item] = []
    for group in groups:
        part = list(group)
        if part and items:
            items.append(m.Blank())
        items += part
    return tuple(items)


def comment(*lines: str) -> list[m.Item]:
    return [m.Comment(line) for line in lines]


def env(values: Mapping[str, object]) -> m.Env:
    return m.Env(tuple((name, words.quote(str(value))) for name, value in values.items()))


def run(*commands: str, caches: Sequence[str] = ()) -> m.Run:
    """Commands that must all succeed, one a line, with a cache mounted at each of ``caches``."""
    flags = tuple(("mount", f"type=cache,target={target}{_sharing(target)}") for target in caches)
    return m.Run(m.ShellForm(" \n    && ".join(commands)), flags=flags)


def _sharing(target: str) -> str:
    return ",sharing=locked" if target in _ALONE else ""


def apt(packages: Iterable[str], why: str) -> list[m.Item]:
    """Install Debian packages; nothing for none."""
    names = " ".join(sorted(set(packages)))
    if not names:
        return []
    return [
        *comment(why, "hadolint ignore=DL3008"),
        run(
            "apt-get update",
            f"apt-get install --yes --no-install-recommends {names}",
            "rm -rf /var/lib/apt/lists/*",
        ),
    ]


def healthcheck(argv: Sequence[str]) -> m.Healthcheck:
    """Often while the app starts, so that a new version is known to be well within a second."""
    return m.Healthcheck(
        m.ExecForm(tuple(argv)),
        flags=(
            ("interval", "10s"), ("timeout", "3s"), ("start-period", "30s"),
            ("start-interval", "0.5s"), ("retries", "3"),
        ),
    )  # fmt: skip


def start_command(start: str | Sequence[str]) -> m.ExecForm:
    """The start command without a shell between it and its signals.

    What needs a shell (``$PORT``) gets one that makes way for the command by ``exec``; if there is
    more than one command, the shell has to stay.
    """
    if not isinstance(start, str):
        return m.ExecForm(tuple(start))
    start = start.strip()
    command = _ASSIGNMENTS.sub("", start, count=1)
    variables = start.removesuffix(command)
    outside = _QUOTED.sub("", start)
    if not _NEEDS_SHELL.search(outside):
        argv = shlex.split(start)
        return m.ExecForm(("env", *argv) if variables else tuple(argv))
    if _COMPOUND.search(outside) or command.startswith("exec "):
        return m.ExecForm(("sh", "-c", start))
    return m.ExecForm(("sh", "-c", f"{variables}exec {command}"))
