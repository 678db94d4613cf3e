"""The tree of a YAML file: every value and every key knows where it stands.

Locations survive merging and interpolation, so a mistake found late is still shown at its line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.errors import Location

Path = tuple[str | int, ...]
"""Keys and list positions from the root of a file to a value."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,30}|0o[0-7]{1,30}|0x[0-9a-fA-F]{1,30}")
_FLOAT = re.compile(r"(?=.*[.eE])[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_CONSTANTS = {"": None, "~": None} | {
    spelling: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for spelling in (word, word.capitalize(), word.upper())
}


@dataclass(frozen=True, slots=True, eq=False)
class ScalarNode:
    """A single value as it is written. ``plain``: without quotes, so it may be a number."""

    text: str
    where: Location
    plain: bool = False
    literal: bool = False
    """Not subject to interpolation."""

    @property
    def value(self) -> Any:
        return resolve(self.text) if self.plain else self.text


@dataclass(frozen=True, slots=True, eq=False)
class ListNode:
    items: tuple[Node, ...]
    where: Location


@dataclass(frozen=True, slots=True, eq=False)
class MapNode:
    """``keys`` says where each key of ``items`` stands."""

    items: Mapping[str, Node]
    keys: Mapping[str, Location]
    where: Location

    def with_item(self, key: str, node: Node, where: Location) -> MapNode:
        """The same, with one item replaced or added at the end."""
        return MapNode({**self.items, key: node}, {**self.keys, key: where}, self.where)

    def without(self, keys: Iterable[str]) -> MapNode:
        """The same, without ``keys``."""
        gone = set(keys)
        return MapNode(
            {key: node for key, node in self.items.items() if key not in gone},
            {key: where for key, where in self.keys.items() if key not in gone},
            self.where,
        )


Node = ScalarNode | ListNode | MapNode


class _WrittenFloat(float):
    """A number that remembers its spelling: ``3.10`` as text is ``3.10``, not ``3.1``."""

    text: str

    def __str__(self) -> str:
        return self.text


class _WrittenInt(int):
    """A whole number that remembers its spelling, such as ``007``."""

    text: str

    def __str__(self) -> str:
        return self.text


def resolve(text: str) -> Any:
    """The value of a scalar without quotes, by YAML 1.2's core rules.

    So ``yes``, ``on``, ``22:22`` and ``2024-01-01`` are text, as in Compose. Numbers whose usual
    spelling differs from ``text`` keep ``text`` as their ``str()``.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    number: _WrittenInt | _WrittenFloat
    if _INTEGER.fullmatch(text):
        number = _WrittenInt(text, 0) if text[:2] in ("0o", "0x") else _WrittenInt(text)
        usual = int.__str__(number)
    elif _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        number = _WrittenFloat(text)
        usual = float.__str__(number)
    else:
        return text
    if usual == text:
        return number + 0
    number.text = text
    return number


def to_data(node: Node) -> Any:
    """Plain data: dict, list, str, int, float, bool, None."""
    match node:
        case MapNode():
            return {key: to_data(item) for key, item in node.items.items()}
        case ListNode():
            return [to_data(item) for item in node.items]
        case ScalarNode():
            return node.value


def locate(node: Node, path: Iterable[str | int], *, key: bool = False) -> Location:
    """Where the value at ``path`` stands (``key``: where its key stands), with its dotted path.

    What is not in the tree is skipped, so that the location is that of the nearest thing that is.
    """
    place, shown = node.where, ""
    for step in path:
        if isinstance(node, MapNode) and step in node.items:
            place = node.keys[str(step)]
            node = node.items[str(step)]
        elif isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
            node = node.items[step]
            place = node.where
        shown = dotted(shown, step)
        if not key:
            place = node.where
    return replace(place, key=shown)


def dotted(path: str, step: str | int) -> str:
    """``path`` with one more step, as it is shown and as ``--set`` takes it."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    return f"{path}.{step}" if path else step
