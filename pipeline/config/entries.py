"""The entries of ``stages:`` as trees, before their options are validated.

An entry is ``code``, ``code: {…}`` or ``code:`` with nothing after it; all become one form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.config.nodes import ListNode, MapNode, Node, ScalarNode
from pipeline.errors import Location, Problem
from pipeline.kit.names import STAGES

KEY_RULE = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"


@dataclass(frozen=True, slots=True)
class RawEntry:
    """``kind`` is the word in the list, ``key`` what the entry is called: its ``name`` or kind."""

    kind: str
    key: str
    options: MapNode
    where: Location
    """Of the kind."""


def raw_entries(stages: Node | None, shown: str) -> tuple[list[RawEntry], list[Problem]]:
    """The entries of a ``stages:`` list (None: the file has none), and what is wrong with their
    shape."""
    if stages is None:
        where = Location(shown)
        return [RawEntry(kind, kind, MapNode({}, {}, where), where) for kind in STAGES], []
    if not isinstance(stages, ListNode):
        return [], [_not_a_list(stages)]
    entries: list[RawEntry] = []
    problems: list[Problem] = []
    for at, item in enumerate(stages.items):
        found = _entry(item, f"stages[{at}]")
        if isinstance(found, Problem):
            problems.append(found)
        else:
            entries.append(found)
    if not stages.items:
        problems.append(
            Problem("the list of stages is empty", stages.where, "Leave it out for all eight.")
        )
    return entries, problems + _unique(entries)


def _not_a_list(stages: Node) -> Problem:
    where = replace(stages.where, key="stages")
    first = next(iter(stages.items), "code") if isinstance(stages, MapNode) else "code"
    return Problem("`stages` must be a list", where, f"Put `- ` before each: `- {first}`.")


def _entry(item: Node, path: str) -> RawEntry | Problem:
    where = replace(item.where, key=path)
    if isinstance(item, ScalarNode) and item.value is not None and item.text:
        return _with_options(item.text, MapNode({}, {}, item.where), item.where)
    if not isinstance(item, MapNode) or not item.items:
        return Problem(
            "this must be the name of a stage, alone or with its options",
            where,
            "Write `- build` or `- build: {target: prod}`.",
        )
    kind, *others = item.items
    if others:
        return Problem(
            f"a stage has more than one key: {', '.join(item.items)}",
            where,
            f"Indent the options of `{kind}` further than `{kind}` itself, and begin each stage"
            " with `- `.",
        )
    return _with_options(kind, item.items[kind], item.keys[kind])


def _with_options(kind: str, options: Node, where: Location) -> RawEntry | Problem:
    if isinstance(options, ScalarNode) and options.plain and options.value is None:
        options = MapNode({}, {}, options.where)
    if not isinstance(options, MapNode):
        place = replace(where, key=f"stages.{kind}")
        what = "a list" if isinstance(options, ListNode) else f"`{options.text}`"
        return Problem(
            f"the options of {kind} must be a mapping, not {what}",
            place,
            f"Write `{kind}: {{key: value}}`.",
        )
    if ":" in kind:
        name = re.sub(r"\W+", "-", kind.rpartition(":")[2]).strip("-").lower() or "scan"
        return Problem(
            "a class needs a word of its own in the list",
            replace(where, key="stages"),
            f"Write `- {name}: {{uses: {kind}}}`.",
        )
    named = options.items.get("name")
    # What else `name` may be, such as a list, is told when the options are validated; a variable
    # in it is not replaced yet while layers are merged.
    name = named.text if isinstance(named, ScalarNode) else kind
    free = ("uses" in options.items or name != kind) and "${" not in name
    if free and not re.search(KEY_RULE, name):
        place = named.where if isinstance(named, ScalarNode) else where
        return Problem(
            f"`{name}` is no name for a stage",
            replace(place, key=f"stages.{kind}"),
            "Use letters, digits, - and _, at most 40, beginning with a letter or digit.",
        )
    return RawEntry(kind, name, options, where)


def _unique(entries: Sequence[RawEntry]) -> list[Problem]:
    first: dict[str, RawEntry] = {}
    problems: list[Problem] = []
    for entry in entries:
        before = first.setdefault(entry.key, entry)
        if before is not entry:
            where = replace(entry.where, key=f"stages.{entry.key}")
            problems.append(
                Problem(
                    f"a second stage is called {entry.key}; the first is in line"
                    f" {before.where.line}",
                    where,
                    f"Give this one a name of its own: `{entry.kind}: {{name: {entry.key}-2}}`.",
                )
            )
    return problems


def to_list(entries: Sequence[RawEntry], where: Location) -> ListNode:
    """Entries as a ``stages:`` list again."""
    return ListNode(
        tuple(
            MapNode({entry.kind: entry.options}, {entry.kind: entry.where}, entry.where)
            for entry in entries
        ),
        where,
    )


def by_stage(problem: Problem, root: MapNode) -> Problem:
    """The problem with a stage's key in its path instead of the position: ``stages.build.target``
    for ``stages[2].build.target``."""
    match = re.match(r"stages\[([0-9]+)\]\.([^.\[]+)", problem.where.key)
    stages = root.items.get("stages")
    if match is None or not isinstance(stages, ListNode):
        return problem
    entry = _entry(stages.items[int(match[1])], "")
    key = entry.key if isinstance(entry, RawEntry) else match[2]
    shown = f"stages.{key}{problem.where.key[match.end() :]}"
    return replace(problem, where=replace(problem.where, key=shown))
