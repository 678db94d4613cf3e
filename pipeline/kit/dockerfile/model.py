"""A Dockerfile as data: every instruction a value, in the order of the file.

``parse(render(dockerfile)) == dockerfile`` holds for all of it. Words are kept as the file has
them, quotes and ``$NAME`` included; ``words.quote`` makes one from plain text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

Flag: TypeAlias = tuple[str, str | None]
"""Name without ``--``, and value; None for a flag that stands alone, such as ``--link``."""


@dataclass(frozen=True)
class ShellForm:
    """A command line for the shell. A newline stands for a line that is continued in the file; as
    there, it is no white space of its own."""

    text: str


@dataclass(frozen=True)
class ExecForm:
    """A command as a list, started without a shell."""

    argv: tuple[str, ...]


Command: TypeAlias = ShellForm | ExecForm


@dataclass(frozen=True)
class Instruction:
    """Base of all. ``line`` and ``end`` are its first and last line, without heredocs, in the file
    it was parsed from (1-based), else 0."""

    keyword: ClassVar[str] = ""
    flags: tuple[Flag, ...] = field(default=(), kw_only=True)
    line: int = field(default=0, kw_only=True, compare=False)
    end: int = field(default=0, kw_only=True, compare=False)

    def flag(self, name: str) -> str | None:
        """The value of ``--name``; None when it is not given."""
        return next((value or "" for key, value in self.flags if key == name), None)


@dataclass(frozen=True)
class From(Instruction):
    keyword: ClassVar[str] = "FROM"
    image: str
    name: str = ""
    """The stage's name (``AS name``)."""


@dataclass(frozen=True)
class Run(Instruction):
    keyword: ClassVar[str] = "RUN"
    command: Command
    heredocs: tuple[str, ...] = ()
    """Contents, whole lines, one for each ``<<NAME`` in the command, in order."""


@dataclass(frozen=True)
class Cmd(Instruction):
    keyword: ClassVar[str] = "CMD"
    command: Command


@dataclass(frozen=True)
class Entrypoint(Instruction):
    keyword: ClassVar[str] = "ENTRYPOINT"
    command: Command


@dataclass(frozen=True)
class Copy(Instruction):
    keyword: ClassVar[str] = "COPY"
    sources: tuple[str, ...]
    destination: str
    heredocs: tuple[str, ...] = ()
    """Contents, whole lines, one for each source that is ``<<NAME``, in order."""


@dataclass(frozen=True)
class Add(Copy):
    keyword: ClassVar[str] = "ADD"


@dataclass(frozen=True)
class Env(Instruction):
    keyword: ClassVar[str] = "ENV"
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Label(Instruction):
    keyword: ClassVar[str] = "LABEL"
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Arg(Instruction):
    keyword: ClassVar[str] = "ARG"
    pairs: tuple[tuple[str, str | None], ...]
    """Name and default; None for one without."""


@dataclass(frozen=True)
class Expose(Instruction):
    keyword: ClassVar[str] = "EXPOSE"
    ports: tuple[str, ...]


@dataclass(frozen=True)
class Volume(Instruction):
    keyword: ClassVar[str] = "VOLUME"
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Workdir(Instruction):
    keyword: ClassVar[str] = "WORKDIR"
    path: str


@dataclass(frozen=True)
class User(Instruction):
    keyword: ClassVar[str] = "USER"
    user: str


@dataclass(frozen=True)
class StopSignal(Instruction):
    keyword: ClassVar[str] = "STOPSIGNAL"
    signal: str


@dataclass(frozen=True)
class Shell(Instruction):
    keyword: ClassVar[str] = "SHELL"
    argv: tuple[str, ...]


@dataclass(frozen=True)
class Healthcheck(Instruction):
    keyword: ClassVar[str] = "HEALTHCHECK"
    command: Command | None
    """None for ``HEALTHCHECK NONE``."""


@dataclass(frozen=True)
class Maintainer(Instruction):
    """Of old files: today it is a label."""

    keyword: ClassVar[str] = "MAINTAINER"
    name: str


@dataclass(frozen=True)
class Onbuild(Instruction):
    keyword: ClassVar[str] = "ONBUILD"
    instruction: Instruction


@dataclass(frozen=True)
class Comment:
    """A line of its own that starts with ``#``."""

    text: str
    line: int = field(default=0, kw_only=True, compare=False)


@dataclass(frozen=True)
class Blank:
    """One empty line, or several, between two items."""


Item: TypeAlias = Instruction | Comment | Blank


@dataclass(frozen=True)
class Stage:
    """A ``FROM`` and what follows it, up to the next."""

    base: From
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True)
class Dockerfile:
    items: tuple[Item, ...]
    directives: tuple[tuple[str, str], ...] = ()
    """``syntax``, ``escape`` and ``check``, in the order of the file."""

    @property
    def escape(self) -> str:
        """The character that continues a line."""
        return dict(self.directives).get("escape", "\\")

    @property
    def instructions(self) -> Iterator[Instruction]:
        """Without comments and empty lines."""
        return (item for item in self.items if isinstance(item, Instruction))

    @property
    def stages(self) -> tuple[Stage, ...]:
        found: list[tuple[From, list[Instruction]]] = []
        for instruction in self.instructions:
            if isinstance(instruction, From):
                found.append((instruction, []))
            elif found:
                found[-1][1].append(instruction)
        return tuple(Stage(base, tuple(rest)) for base, rest in found)

    def effective(self) -> tuple[Instruction, ...]:
        """What shapes the last stage: its own instructions, after those of the stages in this file
        that it is built on."""
        by_name: dict[str, tuple[Instruction, ...]] = {}
        last: tuple[Instruction, ...] = ()
        for number, stage in enumerate(self.stages):
            last = by_name.get(stage.base.image.lower(), ()) + stage.instructions
            by_name[str(number)] = last
            if stage.base.name:
                by_name[stage.base.name.lower()] = last
        return last
