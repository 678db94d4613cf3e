"""From a ``Dockerfile`` to text that parses back to exactly it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

from pipeline.errors import StageFailed
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import words
from pipeline.kit.dockerfile.parse import parse

_INDENT = "    "
_WIDTH = 100
_PLAIN_PATH = re.compile(r"(?!--)[\w./:@%+,=~$(){}*?-]+")


def render(dockerfile: m.Dockerfile) -> str:
    """The text, which ends with a newline.

    Raises:
        ValueError: the file cannot say what the data says (a newline in a value, a name with a
            space…). It is never written in a way that would read as something else.
    """
    head = [f"# {name}={value}\n" for name, value in dockerfile.directives]
    if not head and dockerfile.items and isinstance(dockerfile.items[0], m.Comment):
        # A comment may look like a directive; after an empty line nothing is one.
        head = ["\n"] if "=" in dockerfile.items[0].text else []
    text = "".join([*head, *(_item(item, dockerfile.escape) for item in dockerfile.items)])
    if _parsed(text) != dockerfile:
        raise ValueError(_first_fault(dockerfile, text))
    return text


def _parsed(text: str) -> m.Dockerfile | None:
    try:
        return parse(text)
    except StageFailed:
        return None


def _first_fault(dockerfile: m.Dockerfile, whole: str) -> str:
    """Which item does not survive being written, or what is wrong with all of them together."""
    start = m.From("scratch")
    for item in dockerfile.items:
        if isinstance(item, m.Blank):
            continue
        alone = replace(dockerfile, items=(start, item))
        text = "".join(_item(part, dockerfile.escape) for part in alone.items)
        head = "".join(f"# {name}={value}\n" for name, value in dockerfile.directives)
        if _parsed(head + text) != alone:
            name = item.keyword if isinstance(item, m.Instruction) else "the comment"
            shown = text.partition("\n")[2].strip()
            return f"{name} has something that a Dockerfile cannot say: {shown[:200]}"
    try:
        parse(whole)
    except StageFailed as error:
        return error.message
    return "empty lines at the ends, or several in a row, are not kept"


def _item(item: m.Item, escape: str) -> str:
    if isinstance(item, m.Blank):
        return "\n"
    if isinstance(item, m.Comment):
        return f"# {item.text}".rstrip() + "\n"
    return _instruction(item).replace("\0", f"{escape}\n") + "\n" + _bodies(item)


def _instruction(value: m.Instruction) -> str:
    """One instruction without the contents of its heredocs. NUL stands for the mark that continues
    a line and the line end after it."""
    if isinstance(value, m.Onbuild):
        return f"ONBUILD {_instruction(value.instruction)}"
    arguments = _arguments(value)
    flags = [_flag(flag) for flag in value.flags]
    if flags and isinstance(value, m.Run):
        return f" \0{_INDENT}".join([" ".join([value.keyword, *flags[:1]]), *flags[1:], arguments])
    line = " ".join([value.keyword, *flags, arguments])
    if not flags or len(line) <= _WIDTH:
        return line
    return f"{value.keyword} {' '.join(flags)} \0{_INDENT}{arguments}"


def _arguments(value: m.Instruction) -> str:
    match value:
        case m.From(image=image, name=name):
            return f"{image} AS {name}" if name else image
        case m.Run(command=command) | m.Cmd(command=command) | m.Entrypoint(command=command):
            return _command(command)
        case m.Healthcheck(command=command):
            return "NONE" if command is None else f"CMD {_command(command)}"
        case m.Copy(sources=sources, destination=destination):
            return _paths((*sources, destination))
        case m.Volume(paths=paths):
            return _paths(paths)
        case m.Env(pairs=pairs) | m.Label(pairs=pairs):
            return f" \0{_INDENT}".join(f"{name}={text}" for name, text in pairs)
        case m.Arg(pairs=defaults):
            return " ".join(name if text is None else f"{name}={text}" for name, text in defaults)
        case m.Expose(ports=ports):
            return " ".join(ports)
        case m.Shell(argv=argv):
            return _array(argv)
        case m.Workdir(path=text) | m.User(user=text) | m.StopSignal(signal=text):
            return text
        case m.Maintainer(name=name):
            return name
    raise AssertionError(f"no way to write {type(value).__name__}")


def _flag(flag: m.Flag) -> str:
    name, value = flag
    if value is None:
        return f"--{name}"
    plain = re.fullmatch(r"[^\s\"'\\`]*", value)
    return f"--{name}={value if plain else words.quote(value)}"


def _command(command: m.Command) -> str:
    if isinstance(command, m.ExecForm):
        return _array(command.argv)
    return command.text.replace("\n", "\0")


def _array(values: Iterable[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False)


def _paths(paths: tuple[str, ...]) -> str:
    """Words where they can be, else a JSON list; a heredoc's mark must be a word."""
    marks = any(True for path in paths for _ in words.markers(path))
    if marks or all(_PLAIN_PATH.fullmatch(path) for path in paths):
        return " ".join(paths)
    return _array(paths)


def _bodies(item: m.Instruction) -> str:
    inner = item.instruction if isinstance(item, m.Onbuild) else item
    if isinstance(inner, m.Run) and not isinstance(inner.command, m.ExecForm):
        names = words.markers(inner.command.text)
    elif isinstance(inner, m.Copy):
        names = words.markers(" ".join(inner.sources))
    else:
        return ""
    return "".join(
        f"{body}{name}\n" for body, (name, _) in zip(inner.heredocs, names, strict=False)
    )
