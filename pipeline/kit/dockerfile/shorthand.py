"""From the short forms of pipeline.yml (a line, a list, a mapping) to an instruction.

All of these raise ``ValueError``, in words, for what makes no sense.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.errors import StageFailed
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import words
from pipeline.kit.dockerfile.parse import parse


def from_value(keyword: str, value: str) -> m.Instruction:
    """What would follow ``keyword`` in a Dockerfile. Several lines are one continued line, unless
    the first announces a heredoc."""
    first, *more = value.strip().split("\n")
    if more and not any(words.markers(first)):
        value = " \\\n    ".join(
            line.strip().removesuffix("\\").rstrip() for line in (first, *more)
        )
    return from_line(f"{keyword} {value}")


def from_line(text: str) -> m.Instruction:
    """One instruction as it would stand in a Dockerfile."""
    first = text.strip().partition("\n")[0]
    is_from = first.upper().startswith("FROM")
    try:
        instructions = list(parse(text if is_from else f"FROM scratch\n{text}").instructions)
    except StageFailed as error:
        hint = f". {error.hint}" if error.hint else ""
        raise ValueError(f"{error.message}{hint}") from None
    if len(instructions) != (1 if is_from else 2):
        raise ValueError("an entry is one instruction: start another one with a dash")
    if isinstance(instructions[-1], m.Maintainer):
        raise ValueError("MAINTAINER is a LABEL now: write LABEL org.opencontainers.image.authors")
    return instructions[-1]


def from_list(keyword: str, values: Sequence[str]) -> m.Instruction:
    """The JSON form of ``keyword``, or its several values."""
    many = tuple(values)
    match keyword:
        case "RUN":
            return m.Run(m.ExecForm(many))
        case "CMD":
            return m.Cmd(m.ExecForm(many))
        case "ENTRYPOINT":
            return m.Entrypoint(m.ExecForm(many))
        case "HEALTHCHECK" if many:
            return m.Healthcheck(m.ExecForm(many))
        case "SHELL" if many:
            return m.Shell(many)
        case "COPY" if len(many) > 1:
            return m.Copy(many[:-1], many[-1])
        case "ADD" if len(many) > 1:
            return m.Add(many[:-1], many[-1])
        case "EXPOSE" if many:
            return m.Expose(many)
        case "VOLUME" if many:
            return m.Volume(many)
        case "ARG" if many:
            return from_line(f"ARG {' '.join(many)}")
    raise ValueError(f"{keyword} needs more than that")


def from_pairs(keyword: str, values: Mapping[str, str | None]) -> m.Instruction:
    """ENV, LABEL or ARG with plain values; None is an ARG without a default."""
    if not values:
        raise ValueError(f"{keyword} needs a value")
    if keyword == "ARG":
        return m.Arg(
            tuple((name, None if v is None else words.quote(v)) for name, v in values.items())
        )
    pairs = tuple((name, words.quote(value or "")) for name, value in values.items())
    return m.Env(pairs) if keyword == "ENV" else m.Label(pairs)


def command(value: str | Sequence[str]) -> m.Command:
    """A list is the exec form, a string one for the shell."""
    if not isinstance(value, str):
        return m.ExecForm(tuple(value))
    parsed = from_value("CMD", value)
    if not isinstance(parsed, m.Cmd):
        raise ValueError("a command is one line")
    return parsed.command


def heredoc(text: str) -> tuple[str, str]:
    """A mark that no line of ``text`` would end, and the text as whole lines."""
    end = "EOF"
    while end in text.split("\n"):
        end += "_"
    return end, text if text.endswith("\n") else f"{text}\n"
