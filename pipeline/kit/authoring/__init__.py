"""From code to a Dockerfile: find out what an app is, and write what an expert would.

One author per ecosystem behind one interface (``contract.Ecosystem``). Everything is decided from
files alone, so the same code always gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StageFailed
from pipeline.kit.authoring.contract import Authored, Ecosystem, Reason, Wishes
from pipeline.kit.authoring.deno import Deno
from pipeline.kit.authoring.dotnet import Dotnet
from pipeline.kit.authoring.go import Go
from pipeline.kit.authoring.java import Java
from pipeline.kit.authoring.node import Node, workspace
from pipeline.kit.authoring.php import Php
from pipeline.kit.authoring.python import Python
from pipeline.kit.authoring.ruby import Ruby
from pipeline.kit.authoring.rust import Rust
from pipeline.kit.authoring.shell import Shell
from pipeline.kit.authoring.static import Static
from pipeline.kit.authoring.tree import Tree

__all__ = ["ECOSYSTEMS", "Authored", "Ecosystem", "Reason", "Spot", "Wishes", "author", "spot"]

ECOSYSTEMS: tuple[Ecosystem, ...] = (
    Go(), Rust(), Java(), Dotnet(), Ruby(), Php(), Deno(), Python(), Node(), Static(), Shell(),
)  # fmt: skip
"""In the order in which they are asked."""

_START_FROM = """\
- dockerfile:
    instructions:
      - FROM: debian:bookworm-slim
      - WORKDIR: /app
      - COPY: . .
      - USER: 10001
      - EXPOSE: 8000
      - CMD: [/app/start]"""
_SHOWN = 12
_LAST = frozenset({"static", "shell"})
"""Kinds whose files many apps of other kinds have as well."""


@dataclass(frozen=True)
class Spot:
    """The folder that a build sees, and which folder of it is the app, where it has several."""

    context: Path
    app: str | None = None
    reasons: tuple[Reason, ...] = ()


def author(folder: str | Path, wishes: Wishes | None = None) -> Authored:
    """The Dockerfile for the app in ``folder``, with the reasons for every decision.

    Raises:
        StageFailed: the app is of no known kind, a file that matters is broken, or it cannot be
            told how the app is started.
    """
    wishes = wishes or Wishes()
    tree = Tree(folder)
    known = [(each, why) for each in ECOSYSTEMS if (why := each.recognises(tree, wishes))]
    if not known:
        raise _unknown(tree, wishes)
    ecosystem, why = _preferred(known, wishes)
    if _is_no_app_itself(ecosystem, why) and _apps_below(tree, wishes, sure=True):
        raise _unknown(tree, wishes)
    authored = ecosystem.author(tree, wishes)
    reasons = [why, *authored.reasons]
    for other, reason in known:
        used = any(each.file == reason.file for each in authored.reasons)
        if other is not ecosystem and other.key not in _LAST and not used:
            reasons.append(_passed_over(ecosystem, other, reason))
    return Authored(authored.ecosystem, authored.dockerfile, tuple(reasons), authored.port)


def spot(app: Path, root: Path, wishes: Wishes) -> Spot:
    """What a build of the app in ``app`` has to see; ``root`` is the top of what it may see.

    That is the workspace that it is a member of, or a folder below where the only app is.
    """
    for above in [path for path in app.parents if path.is_relative_to(root)]:
        folder = app.relative_to(above).as_posix()
        if folder in workspace.members(Tree(above)):
            because = f"{folder} is a part of a workspace, and is built with it"
            return Spot(above, folder, (Reason("context", str(above), because),))
    tree = Tree(app)
    known = [(each, why) for each in ECOSYSTEMS if (why := each.recognises(tree, wishes))]
    if known and not _is_no_app_itself(*_preferred(known, wishes)):
        return Spot(app)
    below = _apps_below(tree, wishes)
    if len(below) == 1:
        because = "the only folder that has an app"
        return Spot(app / below[0], None, (Reason("context", below[0], because, doubtful=True),))
    return Spot(app)


def _preferred(known: list[tuple[Ecosystem, Reason]], wishes: Wishes) -> tuple[Ecosystem, Reason]:
    """The one that a wish names, else the first that is sure, else the first."""
    wished = (pair for pair in known if getattr(wishes, pair[0].key))
    sure = (pair for pair in known if not pair[1].doubtful)
    return next(wished, None) or next(sure, known[0])


def _passed_over(chosen: Ecosystem, other: Ecosystem, reason: Reason) -> Reason:
    return Reason(
        "language", chosen.name, f"there is {reason.file} too: give `{other.key}:` a version if it "
        f"is the app", reason.file, doubtful=True,
    )  # fmt: skip


def _unknown(tree: Tree, wishes: Wishes) -> StageFailed:
    """The error for code of no known kind: what was looked at, and what to do."""
    looked_for = "; ".join(f"{e.name}: {', '.join(e.looks_for)}" for e in ECOSYSTEMS)
    top = [path for path in tree.files if "/" not in path]
    shown = ", ".join(top[:_SHOWN]) + (", …" if len(top) > _SHOWN else "")
    if candidates := _apps_below(tree, wishes):
        hint = f"Is it one of {', '.join(candidates)}? Name it: `code: {{path: {candidates[0]}}}`."
    else:
        hint = (
            "Put a Dockerfile there, or declare one in pipeline.yml, beginning with what is shown."
        )
    return StageFailed(
        f"there is no Dockerfile, and what the app in {tree.folder} is cannot be told",
        hint=hint,
        detail=f"Looked for {looked_for}.\nFound {shown or 'no file at all'}.\n\n{_START_FROM}",
    )


def _is_no_app_itself(ecosystem: Ecosystem, why: Reason) -> bool:
    """Is all that is known of it a script, or a page in a folder? Around several apps there may be
    a deploy.sh, or docs/index.html."""
    page = ecosystem.key == "static" and "/" in why.file
    return why.doubtful and (ecosystem.key == "shell" or page)


def _apps_below(tree: Tree, wishes: Wishes, *, sure: bool = False) -> list[str]:
    """Folders, one or two levels down, that are an app of a known kind; the doubtful ones among
    those right below only if not ``sure``."""
    found: list[str] = []
    for folder in _folders(tree):
        below = Tree(tree.folder / folder)
        if _is_app(below, wishes, sure=sure):
            found.append(folder)
            continue
        deeper = ((each, Tree(below.folder / each)) for each in _folders(below))
        found += [f"{folder}/{each}" for each, at in deeper if _is_app(at, wishes, sure=True)]
    return found[:_SHOWN]


def _folders(tree: Tree) -> list[str]:
    return sorted({path.partition("/")[0] for path in tree.files if "/" in path})


def _is_app(tree: Tree, wishes: Wishes, *, sure: bool) -> bool:
    kinds = (each for each in ECOSYSTEMS if each.key not in _LAST)
    found = [reason for each in kinds if (reason := each.recognises(tree, wishes))]
    return any(not (sure and reason.doubtful) for reason in found)
