"""The images that a Dockerfile takes from registries: which they are, and the same file with their
digests put in."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from pipeline.errors import StageFailed
from pipeline.kit import references
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import words
from pipeline.kit.dockerfile.edit import Edit, Source, apply
from pipeline.kit.dockerfile.parse import parse

_VARIABLE = re.compile(r"(?<!\\)\$(?:(?P<bare>\w+)|\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\})")
_FROM = re.compile(r"--from=(\S+)")
_MOUNT = re.compile(r"--mount=(?:\S*,)?from=([^,\s]+)")


@dataclass(frozen=True)
class Base:
    """One mention of an image. ``line`` is 1-based; the offsets are of what stands there."""

    reference: references.Reference
    line: int
    start: int
    end: int

    @property
    def name(self) -> str:
        """As people write it, with its tag: what a lock knows it by."""
        return f"{self.reference.familiar}:{self.reference.tag or 'latest'}"


def bases(
    text: str, args: Mapping[str, str] | None = None, contexts: Collection[str] = ()
) -> list[Base]:
    """Every mention in FROM, ``COPY --from=`` and ``RUN --mount=…,from=``, in the file's order.

    ``args`` are the build's arguments, ``contexts`` the names of its named contexts. Stages of the
    file itself, ``scratch``, and what depends on a variable without a value are left out; so is all
    of a file that cannot be read.
    """
    try:
        dockerfile = parse(text)
    except StageFailed:
        return []
    return list(_Mentions(text, dockerfile, args or {}, contexts).all())


def pinned(
    text: str, digest: Callable[[str], str | None], args: Mapping[str, str] | None = None,
    contexts: Collection[str] = (),
) -> str:  # fmt: skip
    """``text`` with a digest at each image that ``digest`` (of its name) knows and that has none.
    Lines stay where they are."""
    edits = []
    for base in bases(text, args, contexts):
        known = None if base.reference.digest else digest(base.name)
        if known:
            edits.append(Edit(base.start, base.end, f"{base.name}@{known}"))
    return apply(text, edits)


class _Mentions:
    def __init__(
        self, text: str, dockerfile: m.Dockerfile, args: Mapping[str, str],
        contexts: Collection[str],
    ) -> None:  # fmt: skip
        self._source = Source(text)
        self._dockerfile = dockerfile
        self._values = _global_values(dockerfile, args)
        self._known = {"scratch", *(name.lower() for name in contexts)}

    def all(self) -> Iterator[Base]:
        stages = 0
        for instruction in self._dockerfile.instructions:
            start, end = self._source.span(instruction)
            for place in self._places(instruction, self._source.text[start:end]):
                written = self._source.text[start:end][slice(*place)]
                image = _expanded(written, self._values)
                if image and image.lower() not in self._known and not image.isdecimal():
                    yield from self._base(image, instruction.line, start, place)
            if isinstance(instruction, m.From):
                self._known |= {instruction.name.lower(), str(stages)}
                stages += 1

    def _base(self, image: str, line: int, start: int, place: tuple[int, int]) -> Iterator[Base]:
        try:
            reference = references.parse(image)
        except references.BadReference:
            return
        yield Base(reference, line, start + place[0], start + place[1])

    def _places(self, instruction: m.Instruction, text: str) -> Iterator[tuple[int, int]]:
        """Where in its text an instruction names an image."""
        if isinstance(instruction, m.From):
            gap = rf"(?:[ \t]|{re.escape(self._dockerfile.escape)}[ \t]*\r?\n)+"
            match = re.match(rf"\ufeff?\s*\w+{gap}(?:--\S+{gap})*(\S+)", text)
            if match and match[1] == instruction.image:
                yield match.span(1)
        elif isinstance(instruction, m.Copy) and (wanted := instruction.flag("from")):
            match = _FROM.search(text)
            if match and match[1] == wanted:
                yield match.span(1)
        elif isinstance(instruction, m.Run):
            mounts = [value or "" for name, value in instruction.flags if name == "mount"]
            for match in _MOUNT.finditer(text):
                if any(f"from={match[1]}" in mount.split(",") for mount in mounts):
                    yield match.span(1)


def _global_values(dockerfile: m.Dockerfile, args: Mapping[str, str]) -> dict[str, str]:
    """Values of the arguments that are declared before the first FROM."""
    values: dict[str, str] = {}
    for instruction in dockerfile.instructions:
        if not isinstance(instruction, m.Arg):
            break
        for name, word in instruction.pairs:
            default = None if word is None else _expanded(words.unquote(word), values)
            value = args.get(name, default)
            if value is not None:
                values[name] = value
    return values


def _expanded(text: str, values: Mapping[str, str]) -> str | None:
    """With every variable replaced; None when one has no value, or is of a form of its own."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match["bare"] or match["name"]) or match["default"]
        if found is None:
            raise KeyError(match[0])
        return found

    try:
        expanded = _VARIABLE.sub(value, text)
    except KeyError:
        return None
    return None if "$" in expanded else expanded
