"""The layer over a pipeline file: ``pipeline.<env>.yml``.

Mappings are merged key by key, entries of ``stages:`` by their key; a stage that the file does not
have is appended. Everything else, lists too, replaces what was there.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.config.entries import RawEntry, raw_entries, to_list
from pipeline.config.nodes import MapNode, Node
from pipeline.errors import ConfigError


def merge_documents(base: MapNode, overlay: MapNode, shown: str) -> MapNode:
    """``base`` with ``overlay`` over it; ``shown`` is the file of ``base``.

    Raises:
        ConfigError: the stages of one of them are not a list of entries.
    """
    stages = overlay.items.get("stages")
    merged = merge(base, overlay.without(("stages",)))
    if stages is None:
        return merged
    upper = entries_of(stages, stages.where.file)
    entries = entries_of(base.items.get("stages"), shown)
    for entry in upper:
        entries = _merge_entry(entries, entry)
    return merged.with_item("stages", to_list(entries, stages.where), overlay.keys["stages"])


def entries_of(stages: Node | None, shown: str) -> list[RawEntry]:
    """The entries of ``stages:`` (None: the eight built-in ones) of the file ``shown``.

    Raises:
        ConfigError: they are not a list of entries.
    """
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
