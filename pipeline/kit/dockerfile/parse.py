"""From text to a ``Dockerfile``, with the line of every mistake."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from pipeline.errors import StageFailed
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import words
from pipeline.kit.dockerfile.lines import Lines
from pipeline.kit.names import did_you_mean

_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*", re.IGNORECASE)


def parse(text: str, file: str = "Dockerfile") -> m.Dockerfile:
    """Parse a Dockerfile; ``file`` is its name for messages.

    Comments within a continued line are lost, as they are for the builder.

    Raises:
        StageFailed: the builder would refuse it too; ``where`` has the line.
    """
    lines = Lines(text, file)
    items = _without_outer_blanks(_items(lines))
    instructions = [item for item in items if isinstance(item, m.Instruction)]
    if not instructions:
        raise lines.fail("there is no instruction in it", 1)
    opening = next((item for item in instructions if not isinstance(item, m.Arg)), instructions[0])
    if not isinstance(opening, m.From):
        raise lines.fail(
            "the first instruction must be FROM", opening.line, hint="Only ARG may stand before it."
        )
    return m.Dockerfile(items, lines.directives)


def _items(lines: Lines) -> Iterator[m.Item]:
    blank = False
    for statement in lines.statements():
        if not statement.text:
            blank = True
            continue
        if blank:
            yield m.Blank()
            blank = False
        if statement.text.startswith("#"):
            yield m.Comment(statement.text[1:].strip(), line=statement.line)
        else:
            yield _Statement(lines, statement.text, statement.line, statement.end).instruction()


def _without_outer_blanks(items: Iterator[m.Item]) -> tuple[m.Item, ...]:
    found = list(items)
    return tuple(found[1:] if found and isinstance(found[0], m.Blank) else found)


class _Statement:
    """One instruction on its way from text to a value."""

    def __init__(self, lines: Lines, text: str, line: int, end: int) -> None:
        self.lines = lines
        self.line, self.end = line, end
        keyword, _, rest = re.sub(r"[ \t\v\f\r]+", " ", text, count=1).partition(" ")
        self.keyword = keyword.replace("\n", "").upper()
        self.flags, self.rest = _flags(rest, lines.escape)

    def instruction(self) -> m.Instruction:
        read = _READERS.get(self.keyword)
        if read is None:
            raise self.fail(
                f"there is no instruction {self.keyword}",
                hint=did_you_mean(self.keyword, _READERS),
            )
        if not self.rest:
            raise self.fail(f"{self.keyword} needs a value")
        return replace(read(self), flags=self.flags, line=self.line, end=self.end)

    def fail(self, message: str, hint: str = "") -> StageFailed:
        return self.lines.fail(message, self.line, hint)

    @property
    def joined(self) -> str:
        return self.rest.replace("\n", "")

    def words(self) -> list[str]:
        return words.split(self.rest, self.lines.escape)

    def array(self, text: str) -> tuple[str, ...] | None:
        """The JSON list that ``text`` is; None when it is none."""
        if not text.startswith("["):
            return None
        try:
            values = json.loads(text)
        except ValueError:
            return None
        if not all(isinstance(value, str) for value in values):
            raise self.fail("a list in JSON may only have strings")
        return tuple(values)

    def command(self, text: str) -> m.Command:
        argv = self.array(text.replace("\n", ""))
        return m.ShellForm(text) if argv is None else m.ExecForm(argv)

    def listed(self) -> tuple[str, ...]:
        """Words, or a JSON list: for COPY, ADD and VOLUME."""
        return self.array(self.joined) or tuple(self.joined.split())

    def pairs(self) -> tuple[tuple[str, str], ...]:
        found = self.words()
        if "=" not in found[0]:
            name, *value = self.joined.split(maxsplit=1)
            if not value:
                raise self.fail(f"{self.keyword} needs a name and a value")
            return ((name, words.join(value[0], self.lines.escape)),)
        if wrong := [word for word in found if "=" not in word]:
            raise self.fail(f"{wrong[0]} has no value", hint="Write name=value, with no space.")
        return tuple((name, value) for name, _, value in (word.partition("=") for word in found))


def _flags(text: str, escape: str) -> tuple[tuple[m.Flag, ...], str]:
    """Flags at the start of an instruction's arguments, and what follows them."""
    found: list[m.Flag] = []
    rest = text.strip()
    while match := re.match(r"--\S*", rest):
        word = words.split(rest, escape)[0] if match.group() != "--" else "--"
        rest = _after(rest, word).lstrip()
        if word == "--":
            break
        name, equals, value = words.unquote(word, escape).removeprefix("--").partition("=")
        found.append((name, value if equals else None))
    return tuple(found), rest


def _after(text: str, word: str) -> str:
    """``text`` without the ``word`` at its start; seams of continued lines do not count."""
    position = 0
    for character in word:
        while text[position] != character:
            position += 1
        position += 1
    return text[position:]


def _from(statement: _Statement) -> m.From:
    match statement.words():
        case [image]:
            return m.From(image)
        case [image, as_, name] if as_.upper() == "AS":
            if not _STAGE_NAME.fullmatch(name):
                raise statement.fail(
                    f"{name} is no name for a stage", hint="Use a-z, 0-9, -, _ and a letter first."
                )
            return m.From(image, name)
    raise statement.fail("FROM takes an image, or an image, AS and a name")


def _run(statement: _Statement) -> m.Run:
    command = statement.command(statement.rest)
    if isinstance(command, m.ExecForm):
        return m.Run(command)
    return m.Run(command, statement.lines.heredocs(command.text, statement.line))


def _copy(statement: _Statement) -> m.Copy:
    kind = m.Add if statement.keyword == "ADD" else m.Copy
    is_list = statement.array(statement.joined) is not None
    heredocs = () if is_list else statement.lines.heredocs(statement.rest, statement.line)
    *sources, destination = statement.listed()
    if not sources:
        raise statement.fail(f"{statement.keyword} needs a source and a destination")
    return kind(tuple(sources), destination, heredocs)


def _arg(statement: _Statement) -> m.Arg:
    split = (word.partition("=") for word in statement.words())
    return m.Arg(tuple((name, value if equals else None) for name, equals, value in split))


def _healthcheck(statement: _Statement) -> m.Healthcheck:
    kind, *rest = statement.rest.split(maxsplit=1)
    if kind.upper() == "NONE" and not rest:
        return m.Healthcheck(None)
    if kind.upper() != "CMD" or not rest:
        raise statement.fail("HEALTHCHECK takes NONE, or CMD and a command")
    return m.Healthcheck(statement.command(rest[0]))


def _shell(statement: _Statement) -> m.Shell:
    argv = statement.array(statement.joined)
    if not argv:
        raise statement.fail("SHELL takes a list in JSON", 'Such as SHELL ["/bin/bash", "-c"].')
    return m.Shell(argv)


def _onbuild(statement: _Statement) -> m.Onbuild:
    inner = _Statement(statement.lines, statement.rest, statement.line, statement.end)
    if inner.keyword in ("FROM", "MAINTAINER", "ONBUILD"):
        raise statement.fail(f"{inner.keyword} cannot be put off by ONBUILD")
    return m.Onbuild(inner.instruction())


_READERS: Mapping[str, Callable[[_Statement], m.Instruction]] = {
    "FROM": _from,
    "RUN": _run,
    "CMD": lambda s: m.Cmd(s.command(s.rest)),
    "ENTRYPOINT": lambda s: m.Entrypoint(s.command(s.rest)),
    "COPY": _copy,
    "ADD": _copy,
    "ENV": lambda s: m.Env(s.pairs()),
    "LABEL": lambda s: m.Label(s.pairs()),
    "ARG": _arg,
    "EXPOSE": lambda s: m.Expose(tuple(s.joined.split())),
    "VOLUME": lambda s: m.Volume(s.listed()),
    "WORKDIR": lambda s: m.Workdir(s.joined),
    "USER": lambda s: m.User(s.joined),
    "STOPSIGNAL": lambda s: m.StopSignal(s.joined),
    "SHELL": _shell,
    "HEALTHCHECK": _healthcheck,
    "ONBUILD": _onbuild,
    "MAINTAINER": lambda s: m.Maintainer(s.joined),
}  # fmt: skip
KEYWORDS = tuple(_READERS)
