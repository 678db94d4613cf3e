"""From the bytes of a YAML file to a tree with locations; nothing in the file can run or explode.

The tree is built from the parser's events, without recursion. Anchors, aliases and merge keys are
allowed; tags that make objects, duplicate keys and a second document are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pipeline.config.nodes import ListNode, MapNode, Node, ScalarNode, resolve
from pipeline.config.yaml_errors import MAX_DEPTH, TOO_DEEP, explain
from pipeline.errors import ConfigError, Location, Problem, UsageError
from pipeline.kit.names import nearest
from pipeline.kit.text import human_bytes

MAX_BYTES = 1_048_576
MAX_WEIGHT = 20_000
"""Values in a file when every alias is written out; a long text counts once per 64 characters."""

_LOADER: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS: dict[str, tuple[type, ...]] = {
    "int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),),
}  # fmt: skip


def read(file: Path, shown: str) -> tuple[str, Node | None]:
    """The text of a file and its tree (None: there is nothing in it). ``shown`` names the file in
    locations.

    Raises:
        UsageError: it cannot be read.
        ConfigError: it is too large, not UTF-8, or no YAML that is accepted here.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise UsageError(f"{shown} is a directory, not a file") from None
    except OSError as error:
        raise UsageError(f"{shown} cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        size = human_bytes(max(file.stat().st_size, len(data)))
        raise _refuse(
            f"the file is too large: {size}, at most {human_bytes(MAX_BYTES)} are read",
            Location(shown),
            "Is it a pipeline file? Keep data in files of their own.",
        )
    text = decode(data, shown)
    return text, parse(text, shown)


def decode(data: bytes, shown: str) -> str:
    """UTF-8 text, without a byte order mark.

    Raises:
        ConfigError: it is not UTF-8; the location is the first wrong byte's.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refuse(
            f"this is not UTF-8 text (byte 0x{data[error.start]:02x})",
            Location(shown, line),
            "Save the file in UTF-8 encoding.",
        ) from error


def parse(text: str, shown: str) -> Node | None:
    """The tree of a YAML text, None when it has no content.

    Raises:
        ConfigError: with every duplicate key, refused tag and the like, or the first syntax error.
    """
    composer = _Composer(shown)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except yaml.YAMLError as error:
        raise ConfigError([*composer.problems, explain(error, text, shown)]) from error
    if composer.problems:
        raise ConfigError(composer.problems)
    return composer.root


def _refuse(message: str, where: Location, hint: str = "") -> ConfigError:
    return ConfigError([Problem(message, where, hint)])


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    is_map: bool
    where: Location
    anchor: str | None
    depth: int = 1
    weight: int = 1
    items: list[Node] = field(default_factory=list)
    pairs: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Location] = field(default_factory=dict)
    merged: list[MapNode] = field(default_factory=list)
    key: tuple[str, Location, bool] | None = None
    """The key that waits for its value: text, place, and whether it is a merge key."""


class _Composer:
    """Builds the tree, event by event. Depth and weight count aliases as if written out."""

    def __init__(self, shown: str) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._shown = shown
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int] | None] = {}
        """Anchor → node, depth, weight; None while the node is still open."""
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(self._place(event))
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._open(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._close()
            case yaml.AliasEvent():
                self._alias(event)

    def _place(self, event: yaml.Event) -> Location:
        mark = event.start_mark
        if mark is None:  # only events made by hand have none
            return Location(self._shown)
        return Location(self._shown, mark.line + 1, mark.column + 1)

    def _problem(self, message: str, where: Location, hint: str = "") -> None:
        self.problems.append(Problem(message, where, hint))

    def _start_document(self, where: Location) -> None:
        self._documents += 1
        if self._documents > 1:
            raise _refuse(
                "a second document starts here",
                where,
                "Remove the `---`: a file holds one document.",
            )

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        where = self._place(event)
        tag = event.tag or ""
        plain = not tag and not event.style
        node = ScalarNode(event.value, where, plain=plain)
        kind = tag.removeprefix(_TAG)
        if types := _SCALAR_TAGS.get(kind):
            node = ScalarNode(event.value, where, plain=True)
            if not isinstance(resolve(event.value), types):
                self._problem(f"`{event.value}` is no {kind}, as its tag `!!{kind}` says", where)
        elif tag not in ("", "!", f"{_TAG}str"):
            self._refuse_tag(tag, where)
        self._add(node, where, event.anchor, 1, 1 + len(event.value) // 64)

    def _refuse_tag(self, tag: str, where: Location) -> None:
        name = f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag
        self._problem(
            f"the tag `{name}` is not allowed here",
            where,
            "Remove it; text that starts with `!` goes in quotes.",
        )

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        where = self._place(event)
        is_map = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", f"{_TAG}map" if is_map else f"{_TAG}seq"):
            self._refuse_tag(event.tag, where)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(is_map, where, event.anchor))
        self._limit(len(self._stack), 0, where)

    def _close(self) -> None:
        done = self._stack.pop()
        node: Node = _mapping(done) if done.is_map else ListNode(tuple(done.items), done.where)
        self._add(node, done.where, done.anchor, done.depth, done.weight)

    def _alias(self, event: yaml.AliasEvent) -> None:
        where, name = self._place(event), event.anchor or ""
        if name not in self._anchors:
            near = nearest(name, self._anchors)
            raise _refuse(
                f"the alias `*{name}` refers to no anchor above it",
                where,
                f"Did you mean `*{near}`?" if near else "Text that starts with `*` goes in quotes.",
            )
        target = self._anchors[name]
        if target is None:
            raise _refuse(f"`*{name}` stands inside of what it refers to", where)
        node, depth, weight = target
        self._add(node, where, None, depth, weight)

    def _limit(self, depth: int, weight: int, where: Location) -> None:
        if depth > MAX_DEPTH:
            raise _refuse(TOO_DEEP, where)
        if weight > MAX_WEIGHT:
            raise _refuse(
                f"too much content: more than {MAX_WEIGHT} values with all aliases written out",
                where,
                "Aliases that contain aliases multiply; use fewer of them.",
            )

    def _add(
        self, node: Node, where: Location, anchor: str | None, depth: int, weight: int
    ) -> None:
        """Put a finished node into what is open around it."""
        if anchor:
            self._anchors[anchor] = (node, depth, weight)
        if not self._stack:
            self.root = node
            if isinstance(node, ScalarNode) and node.plain and node.value is None:
                self.root = None
            return
        parent = self._stack[-1]
        parent.depth = max(parent.depth, depth + 1)
        parent.weight += weight
        self._limit(len(self._stack) + depth, parent.weight, where)
        if not parent.is_map:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = self._key(node, where)
        else:
            self._pair(parent, *parent.key, node, where)
            parent.key = None

    def _key(self, node: Node, where: Location) -> tuple[str, Location, bool]:
        if not isinstance(node, ScalarNode):
            raise _refuse(
                "a list or mapping stands where a key is expected",
                where,
                "Text that starts with `{` or `[` goes in quotes.",
            )
        return node.text, where, node.plain and node.text == "<<"

    def _pair(
        self, parent: _Open, key: str, place: Location, is_merge: bool, node: Node, where: Location
    ) -> None:
        if is_merge:
            sources: Iterable[Node] = node.items if isinstance(node, ListNode) else (node,)
            for source in sources:
                if isinstance(source, MapNode):
                    parent.merged.append(source)
                else:
                    self._problem("`<<` takes a mapping, or a list of mappings", where)
        elif key in parent.pairs:
            first = parent.keys[key].line
            self._problem(
                f"the key `{key}` stands here for the second time",
                place,
                f"The first one is in line {first}: remove one, or merge the two.",
            )
        else:
            parent.pairs[key] = node
            parent.keys[key] = place


def _mapping(done: _Open) -> MapNode:
    """A mapping with its merge keys resolved: its own keys win, then earlier merged ones."""
    items, keys = dict(done.pairs), dict(done.keys)
    for source in done.merged:
        for key, node in source.items.items():
            if key not in items:
                items[key], keys[key] = node, source.keys[key]
    return MapNode(items, keys, done.where)
