"""Layers over a pipeline file: ``pipeline.<env>.yml`` and ``--set``.

Mappings are merged key by key, entries of ``stages:`` by their key; a stage that the file does not
have is appended. Everything else, lists too, replaces what was there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.config.entries import RawEntry, raw_entries, to_list
from pipeline.config.nodes import ListNode, MapNode, Node, ScalarNode
from pipeline.config.yaml_source import parse
from pipeline.errors import ConfigError, Location, UsageError
from pipeline.kit.names import did_you_mean

_STEP = re.compile(r"((?:[^.\[\]\\]|\\.)+)|\[([0-9]{1,6})\]")


def merge_documents(base: MapNode, overlay: MapNode, shown: str) -> MapNode:
    """``base`` with ``overlay`` over it; ``shown`` is the file of ``base``.

    Raises:
        ConfigError: the stages of one of them are not a list of entries.
    """
    stages = overlay.items.get("stages")
    merged = merge(base, overlay.without(("stages",)))
    if stages is None:
        return merged
    upper = _entries(stages, stages.where.file)
    entries = _entries(base.items.get("stages"), shown)
    for entry in upper:
        entries = _merge_entry(entries, entry)
    return merged.with_item("stages", to_list(entries, stages.where), overlay.keys["stages"])


def _entries(stages: Node | None, shown: str) -> list[RawEntry]:
    entries, problems = raw_entries(stages, shown)
    if problems:
        raise ConfigError(problems)
    return entries


def _merge_entry(entries: Sequence[RawEntry], upper: RawEntry) -> list[RawEntry]:
    if all(entry.key != upper.key for entry in entries):
        return [*entries, upper]
    return [
        RawEntry(entry.kind, entry.key, merge(entry.options, upper.options), entry.where)
        if entry.key == upper.key
        else entry
        for entry in entries
    ]


def merge(base: MapNode, overlay: MapNode) -> MapNode:
    """Two mappings, deeply; ``overlay`` wins, also over values of another kind."""
    items, keys = dict(base.items), dict(base.keys)
    for key, node in overlay.items.items():
        below = items.get(key)
        if isinstance(below, MapNode) and isinstance(node, MapNode):
            items[key] = merge(below, node)
        else:
            items[key] = node
        keys[key] = overlay.keys[key]
    return MapNode(items, keys, base.where)


def apply_set(root: MapNode, assignment: str, shown: str) -> MapNode:
    """``root`` with one ``--set PATH=VALUE`` applied; the value is YAML and is not interpolated.

    A path names keys with dots and list positions with brackets (``stages.smoke.checks[0].get``);
    a dot that belongs to a key is written ``\\.``. Under ``stages`` the first step is a stage's
    key. Missing mappings are made.

    Raises:
        UsageError: it is no such assignment, or the path leads nowhere.
    """
    path, equals, text = assignment.partition("=")
    where = Location(f"--set {path}")
    steps = _steps(path)
    if not equals or not steps:
        raise UsageError(
            f"--set {assignment}: this is no assignment",
            hint="Write --set key=value, such as --set stages.run.port=8080.",
        )
    value = _value(text, where)
    if steps[0] != "stages" or len(steps) == 1:
        result = _put(root, steps, value, where)
    else:
        result = root.with_item(
            "stages", _put_stage(root, steps[1:], value, where, shown), root.where
        )
    if not isinstance(result, MapNode):
        raise AssertionError("a mapping stays a mapping")
    return result


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            return []
        name, position = match.groups()
        steps.append(int(position) if name is None else re.sub(r"\\(.)", r"\1", name))
        at = match.end()
        if path.startswith(".", at):
            at += 1
            if at == len(path):
                return []
    return steps


def _value(text: str, where: Location) -> Node:
    if not text:
        return ScalarNode("", where, literal=True)
    try:
        node = parse(text, where.file)
    except ConfigError as error:
        raise UsageError(
            f"{where.file}: {error.problems[0].message}",
            hint="The value is read as YAML; quote it for the shell and for YAML: 'key=\"a: b\"'.",
        ) from error
    return _literal(node, where) if node else ScalarNode("null", where, plain=True, literal=True)


def _literal(node: Node, where: Location) -> Node:
    """The same with ``where`` as the location of everything, and not to be interpolated."""
    match node:
        case ScalarNode():
            return ScalarNode(node.text, where, node.plain, literal=True)
        case ListNode():
            return ListNode(tuple(_literal(item, where) for item in node.items), where)
        case MapNode():
            items = {key: _literal(item, where) for key, item in node.items.items()}
            return MapNode(items, dict.fromkeys(items, where), where)


def _put_stage(
    root: MapNode, steps: list[str | int], value: Node, where: Location, shown: str
) -> Node:
    stages = root.items.get("stages")
    entries = _entries(stages, shown)
    keys = [entry.key for entry in entries]
    if steps[0] not in keys:
        raise UsageError(
            f"{where.file}: there is no stage `{steps[0]}`",
            hint=did_you_mean(str(steps[0]), keys),
        )
    changed = [
        RawEntry(entry.kind, entry.key, _options(entry.options, steps, value, where), entry.where)
        if entry.key == steps[0]
        else entry
        for entry in entries
    ]
    return to_list(changed, stages.where if stages else root.where)


def _options(options: MapNode, steps: list[str | int], value: Node, where: Location) -> MapNode:
    result = _put(options, steps[1:], value, where)
    if isinstance(result, MapNode):
        return result
    raise UsageError(f"{where.file}: the options of a stage are a mapping, not one value")


def _put(node: Node | None, steps: Sequence[str | int], value: Node, where: Location) -> Node:
    """``node`` with ``value`` at the end of ``steps``."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        if not isinstance(node, ListNode) or step >= len(node.items):
            there = f"it has {len(node.items)}" if isinstance(node, ListNode) else "it is no list"
            raise UsageError(f"{where.file}: there is no item [{step}]: {there}")
        items = list(node.items)
        items[step] = _put(items[step], rest, value, where)
        return ListNode(tuple(items), node.where)
    if isinstance(node, ListNode):
        raise UsageError(f"{where.file}: `{step}` is asked of a list", hint="Items are [0], [1], …")
    parent = node if isinstance(node, MapNode) else MapNode({}, {}, where)
    return parent.with_item(step, _put(parent.items.get(step), rest, value, where), where)
