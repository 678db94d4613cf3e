"""``--set PATH=VALUE``: one value of a pipeline file, changed from the command line.

A path names keys with dots and list positions with brackets (``stages.smoke.checks[0].get``); a dot
that belongs to a key is written ``\\.``. Under ``stages`` the first step is a stage's key. Missing
mappings are made. The value is YAML and is not interpolated; no value is an empty text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.config.entries import to_list
from pipeline.config.nodes import ListNode, MapNode, Node, ScalarNode
from pipeline.config.overlay import entries_of
from pipeline.config.yaml_source import parse
from pipeline.errors import ConfigError, Location, UsageError
from pipeline.kit.names import did_you_mean

_STEP = re.compile(r"((?:[^.\[\]\\]|\\.)+)|\[([0-9]{1,6})\]")
_WHERE = Location("--set")

Step = str | int


def apply_set(root: MapNode, text: str, shown: str) -> MapNode:
    """``root``, which was read from the file ``shown``, with one assignment applied.

    Raises:
        UsageError: it is no assignment, or its path leads nowhere.
        ConfigError: the stages of the file are not a list of entries.
    """
    path, equals, value = text.partition("=")
    steps = _steps(path)
    if not equals or not steps or not isinstance(steps[0], str):
        raise UsageError(
            f"--set {text}: this is no assignment",
            hint="Write --set key=value, such as --set stages.run.port=8080.",
        )
    return _Assignment(path, _value(path, value)).to(root, steps, shown)


def _steps(path: str) -> list[Step]:
    """The steps of a path; none when it is not well formed."""
    steps: list[Step] = []
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


def _value(path: str, text: str) -> Node:
    if not text:
        return ScalarNode("", _WHERE, literal=True)
    try:
        node = parse(text, "--set")
    except ConfigError as error:
        raise UsageError(
            f"--set {path}: {error.problems[0].message}",
            hint="The value is YAML: put it in quotes for YAML and for the shell, 'key=\"a: b\"'.",
        ) from error
    return _literal(node) if node else ScalarNode("null", _WHERE, plain=True, literal=True)


def _literal(node: Node) -> Node:
    """The same, located at the command line, and not to be interpolated."""
    match node:
        case ScalarNode():
            return ScalarNode(node.text, _WHERE, node.plain, literal=True)
        case ListNode():
            return ListNode(tuple(_literal(item) for item in node.items), _WHERE)
        case MapNode():
            items = {key: _literal(item) for key, item in node.items.items()}
            return MapNode(items, dict.fromkeys(items, _WHERE), _WHERE)


@dataclass(frozen=True, slots=True)
class _Assignment:
    path: str
    value: Node

    def to(self, root: MapNode, steps: Sequence[Step], shown: str) -> MapNode:
        """``root`` with the value at the end of ``steps``."""
        key, *rest = steps
        if not isinstance(key, str):
            raise self._wrong("a mapping has keys, not positions")
        if key != "stages" or not rest:
            return root.with_item(key, self._put(root.items.get(key), rest), _WHERE)
        stages = root.items.get("stages")
        entries = entries_of(stages, shown)
        keys = [entry.key for entry in entries]
        if rest[0] not in keys:
            raise self._wrong(f"there is no stage `{rest[0]}`", did_you_mean(str(rest[0]), keys))
        at = keys.index(str(rest[0]))
        options = self._put(entries[at].options, rest[1:])
        if not isinstance(options, MapNode):
            raise self._wrong("the options of a stage are a mapping")
        entries[at] = replace(entries[at], options=options)
        where = stages.where if stages else root.where
        return root.with_item("stages", to_list(entries, where), root.keys.get("stages", where))

    def _put(self, node: Node | None, steps: Sequence[Step]) -> Node:
        if not steps:
            return self.value
        step, rest = steps[0], steps[1:]
        if isinstance(step, str):
            if isinstance(node, ListNode):
                raise self._wrong(f"`{step}` is asked of a list", "Its items are [0], [1], …")
            parent = node if isinstance(node, MapNode) else MapNode({}, {}, _WHERE)
            return parent.with_item(step, self._put(parent.items.get(step), rest), _WHERE)
        if not isinstance(node, ListNode):
            raise self._wrong(f"there is no item [{step}]: this is no list")
        if step >= len(node.items):
            raise self._wrong(f"there is no item [{step}]: the list has {len(node.items)}")
        items = list(node.items)
        items[step] = self._put(items[step], rest)
        return ListNode(tuple(items), node.where)

    def _wrong(self, message: str, hint: str = "") -> UsageError:
        return UsageError(f"--set {self.path}: {message}", hint=hint)
