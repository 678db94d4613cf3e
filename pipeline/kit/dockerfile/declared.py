"""A Dockerfile declared in pipeline.yml.

Each entry is a line of a Dockerfile, one instruction as a mapping (``RUN: pip install flask``), or
a stage with its steps. A string after an instruction is what would follow it in a Dockerfile;
several lines of it are one continued line. A list is the JSON form, a mapping names the parts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from pipeline.artifacts import Frozen
from pipeline.kit import secret_refs
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import shorthand
from pipeline.kit.dockerfile.render import render
from pipeline.kit.units import Scalar

Texts = tuple[str, ...]
Defaults = Mapping[str, Scalar | None]


class Part(Frozen, ABC):
    """Base of the long forms: an instruction with its flags as keys."""

    model_config = ConfigDict(populate_by_name=True)

    @abstractmethod
    def build(self) -> m.Instruction:
        """The instruction. Raises ``ValueError``, in words, when it makes no sense."""

    def flags(self, *fields: str) -> tuple[m.Flag, ...]:
        """Those of ``fields`` that are set, as flags: lists repeat, True stands alone."""
        found: list[m.Flag] = []
        for field in fields:
            name, value = field.strip("_").replace("_", "-"), getattr(self, field)
            for each in value if isinstance(value, tuple) else (value,):
                if each is not None and each is not False:
                    found.append((name, None if each is True else str(each)))
        return tuple(found)


class FromPart(Part):
    image: str
    as_: str = Field("", alias="as")
    platform: str | None = None

    def build(self) -> m.Instruction:
        return m.From(self.image, self.as_, flags=self.flags("platform"))


class RunPart(Part):
    command: str | Texts | None = None
    script: str | None = None
    """Lines for the shell, as a heredoc; the first that fails ends it."""
    mount: Texts = ()
    network: str | None = None
    security: str | None = None

    def build(self) -> m.Instruction:
        flags = self.flags("mount", "network", "security")
        if (self.command is None) == (self.script is None):
            raise ValueError("give either command or script")
        if self.script is not None:
            end, body = shorthand.heredoc(self.script)
            return m.Run(m.ShellForm(f"<<{end}"), (f"set -e\n{body}",), flags=flags)
        return m.Run(shorthand.command(self.command or ()), flags=flags)


class FilesPart(Part):
    """What COPY and ADD have in common."""

    source: str | Texts = ()
    content: str | None = None
    """Text of a file to make, in place of ``source``."""
    target: str
    chown: str | None = None
    chmod: str | None = None
    link: bool = False
    exclude: Texts = ()

    def made(self, kind: type[m.Copy], *fields: str) -> m.Instruction:
        """COPY or ADD, with ``fields`` as flags besides the common ones."""
        sources = (self.source,) if isinstance(self.source, str) else self.source
        if bool(sources) == (self.content is not None):
            raise ValueError("give either source or content")
        flags = self.flags(*fields, "chown", "chmod", "link", "exclude")
        if self.content is None:
            return kind(sources, self.target, flags=flags)
        end, body = shorthand.heredoc(self.content)
        return kind((f'<<"{end}"',), self.target, (body,), flags=flags)


class CopyPart(FilesPart):
    from_: str | None = Field(None, alias="from")
    parents: bool = False

    def build(self) -> m.Instruction:
        return self.made(m.Copy, "from_", "parents")


class AddPart(FilesPart):
    checksum: str | None = None
    keep_git_dir: bool = Field(False, alias="keep-git-dir")
    unpack: bool | None = None

    def build(self) -> m.Instruction:
        return self.made(m.Add, "checksum", "keep_git_dir", "unpack")


class HealthPart(Part):
    cmd: str | Texts = Field(alias="CMD")
    interval: str | None = None
    timeout: str | None = None
    start_period: str | None = Field(None, alias="start-period")
    start_interval: str | None = Field(None, alias="start-interval")
    retries: int | None = None

    def build(self) -> m.Instruction:
        fields = ("interval", "timeout", "start_period", "start_interval", "retries")
        return m.Healthcheck(shorthand.command(self.cmd), flags=self.flags(*fields))


class Step(Frozen):
    """One instruction: exactly one of the keys."""

    FROM: str | FromPart | None = None
    RUN: str | Texts | RunPart | None = None
    CMD: str | Texts | None = None
    ENTRYPOINT: str | Texts | None = None
    COPY: str | Texts | CopyPart | None = None
    ADD: str | Texts | AddPart | None = None
    WORKDIR: str | None = None
    ENV: str | Mapping[str, Scalar] | None = None
    EXPOSE: int | str | tuple[int | str, ...] | None = None
    VOLUME: str | Texts | None = None
    ARG: str | Texts | Defaults | None = None
    LABEL: str | Mapping[str, Scalar] | None = None
    USER: int | str | None = None
    ONBUILD: str | Step | None = None
    SHELL: Texts | None = None
    HEALTHCHECK: str | Texts | HealthPart | None = None
    STOPSIGNAL: int | str | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Step:
        if len(self.model_fields_set) != 1:
            raise ValueError("an entry is one instruction: start another one with a dash")
        self.build()
        return self

    def build(self) -> m.Instruction:
        """The instruction.

        Raises:
            ValueError: it makes no sense, in words.
        """
        (keyword,) = self.model_fields_set
        value = getattr(self, keyword)
        if isinstance(value, Part):
            return value.build()
        if isinstance(value, Step):
            return m.Onbuild(value.build())
        if isinstance(value, Mapping):
            return shorthand.from_pairs(keyword, value)
        if isinstance(value, tuple):
            return shorthand.from_list(keyword, [str(each) for each in value])
        if value is None:
            raise ValueError(f"{keyword} needs a value")
        return shorthand.from_value(keyword, str(value))


class StagePart(FromPart):
    """A stage with its steps."""

    image: str = Field(alias="from")
    as_: str = Field("", alias="stage")
    steps: tuple[str | Step, ...]


def _shape(value: object) -> str:
    if isinstance(value, str):
        return "line"
    if isinstance(value, Mapping):
        return "stage" if {"from", "stage", "steps"} & set(value) else "step"
    return "stage" if isinstance(value, StagePart) else "step"


Entry = Annotated[
    Annotated[str, Tag("line")] | Annotated[Step, Tag("step")] | Annotated[StagePart, Tag("stage")],
    Discriminator(_shape),
]


def build(entries: Sequence[str | Step | StagePart]) -> m.Dockerfile:
    """The declared Dockerfile.

    Raises:
        ValueError: it makes no sense, or a Dockerfile cannot say it.
    """
    items: list[m.Item] = []
    for item in _items(entries):
        if items and isinstance(item, m.From) and not isinstance(items[-1], m.Blank):
            items.append(m.Blank())
        items.append(item)
        if isinstance(item, m.Run | m.Copy) and item.heredocs:
            items.append(m.Blank())  # hadolint reads on only after an empty line
    while items and isinstance(items[-1], m.Blank):
        items.pop()
    dockerfile = m.Dockerfile(tuple(items))
    _refuse_secrets(render(dockerfile))
    return dockerfile


def _items(entries: Iterable[str | Step | StagePart]) -> Iterable[m.Item]:
    for entry in entries:
        if isinstance(entry, Step):
            yield entry.build()
        elif isinstance(entry, StagePart):
            yield entry.build()
            yield from _items(entry.steps)
        elif entry.startswith("#"):
            yield m.Comment(entry.removeprefix("#").strip())
        else:
            yield shorthand.from_line(entry)


def _refuse_secrets(text: str) -> None:
    if names := secret_refs.names(text):
        raise ValueError(
            f"the secret {names[0]} would be written into the Dockerfile; hand it to the build "
            f"with `build: {{secrets: [{names[0]}]}}` and RUN's mount type=secret"
        )
