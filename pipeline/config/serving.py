"""Which engines serve the app: known without the stages, whatever is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.config.entries import RawEntry, raw_entries
from pipeline.config.interpolation import interpolate_tree
from pipeline.config.nodes import MapNode, ScalarNode, to_data
from pipeline.errors import Problem
from pipeline.kit.addresses import as_addresses

STAGE, OPTION = "operate", "engine"
HERE = ("",)
"""The engine that builds."""


def serving_engines(
    root: MapNode, shown: str, variables: Mapping[str, str]
) -> tuple[tuple[str, ...], list[Problem]]:
    """The engines of all ``operate`` stages, in their order, each once; and what is wrong with how
    they are named. One that is named wrongly must not make a command look at another."""
    entries, _ = raw_entries(root.items.get("stages"), shown)
    found: dict[str, None] = {}
    problems: list[Problem] = []
    for entry in filter(_operates, entries):
        named, wrong = _named(entry, variables)
        found |= dict.fromkeys(named)
        problems += wrong
    return tuple(found) or HERE, problems


def _operates(entry: RawEntry) -> bool:
    uses = entry.options.items.get("uses")
    return (uses.text if isinstance(uses, ScalarNode) else entry.kind) == STAGE


def _named(entry: RawEntry, variables: Mapping[str, str]) -> tuple[tuple[str, ...], list[Problem]]:
    node = entry.options.items.get(OPTION)
    if node is None:
        return HERE, []
    place = entry.options.keys[OPTION]
    values, problems = interpolate_tree(MapNode({OPTION: node}, {OPTION: place}, place), variables)
    if problems:
        return (), problems
    try:
        return as_addresses(to_data(values)[OPTION]), []
    except ValueError as error:
        return (), [Problem(str(error), place)]
