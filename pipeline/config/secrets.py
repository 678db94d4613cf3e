"""Secrets: named in the file, their values read from variables or files when they are needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from pipeline.config.models import SecretOptions
from pipeline.config.nodes import ListNode, MapNode, Node, ScalarNode, dotted
from pipeline.config.pipeline import SecretSource
from pipeline.errors import Location, Problem, UsageError
from pipeline.kit import secret_refs
from pipeline.kit.dockerfile.secrets import is_secret_value
from pipeline.kit.names import did_you_mean, nearest

MAX_BYTES = 65_536
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CAPITALS = re.compile(r"[A-Z_][A-Z0-9_]*")


def sources(options: Mapping[str, SecretOptions], directory: Path) -> dict[str, SecretSource]:
    """Where each secret's value is, files as absolute paths."""
    return {
        name: SecretSource(name, one.env, (directory / one.file).resolve() if one.file else None)
        for name, one in options.items()
    }


class Declaring(Protocol):
    """A file that declares secrets, as read."""

    @property
    def secrets(self) -> Mapping[str, SecretSource]: ...

    @property
    def variables(self) -> Mapping[str, str]: ...


def secret_loader(pipeline: Declaring) -> Callable[[str], str]:
    """A function from a secret's name to its value.

    It raises ``UsageError`` with what to do when no secret of that name is declared, or its
    variable or file is missing or empty.
    """

    def load(name: str) -> str:
        source = pipeline.secrets.get(name)
        if source is None:
            raise UsageError(f"no secret {name} is declared", hint=declare(name, pipeline.secrets))
        if source.file is not None:
            return _from_file(name, source.file)
        return _from_variable(name, source.env or name, pipeline.variables)

    return load


def _from_variable(name: str, variable: str, variables: Mapping[str, str]) -> str:
    value = variables.get(variable)
    if value:
        return value
    state = "not set" if value is None else "empty"
    near = nearest(variable, variables)
    also = f" Did you mean `{near}`?" if near and near != variable else ""
    raise UsageError(
        f"the secret {name} has no value: the variable {variable} is {state}",
        hint=f"Set {variable} in the environment or in .env.{also}",
    )


def _from_file(name: str, file: Path) -> str:
    what = f"the secret {name} has no value: {file}"
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"{what} cannot be read: {error.strerror}",
            hint="Write the value into this file, or name another one under `secrets:`.",
        ) from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"{what} is larger than {MAX_BYTES // 1024} KiB")
    try:
        value = data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        # The cause is left out: it would hold the secret's bytes.
        raise UsageError(f"{what} is not UTF-8 text (byte {error.start + 1})") from None
    if not value:
        raise UsageError(f"{what} is empty", hint="Write the value into it.")
    return value


def take_literals(head: MapNode) -> tuple[MapNode, list[Problem]]:
    """``head`` without secrets whose value is in the file, and a problem for each of them.

    Its location has no line, since a line is quoted where it is shown.
    """
    secrets = head.items.get("secrets")
    if not isinstance(secrets, MapNode):
        return head, []
    literal = [name for name, source in secrets.items.items() if _is_literal(source)]
    problems = [
        Problem(
            f"line {secrets.keys[name].line}: the value of a secret does not belong into the file",
            Location(secrets.where.file, key=f"secrets.{name}"),
            f"Write where it is: `{name}: {{env: {name}}}` or `{name}: {{file: path}}`.",
        )
        for name in literal
    ]
    return head.with_item("secrets", secrets.without(literal), head.keys["secrets"]), problems


def _is_literal(source: Node) -> bool:
    """Is it the secret itself, rather than the name of what holds it? The short form is for names
    in capitals; any other word there is more probably a password."""
    if isinstance(source, ScalarNode):
        return bool(source.text) and not _names(_CAPITALS, source)
    if not isinstance(source, MapNode):
        return False
    variable = source.items.get("env")
    return "value" in source.items or (
        isinstance(variable, ScalarNode) and bool(variable.text) and not _names(_VARIABLE, variable)
    )


def _names(rule: re.Pattern[str], node: ScalarNode) -> bool:
    return bool(rule.fullmatch(node.text)) and not is_secret_value(node.text)


def check_references(node: Node, path: str, names: Iterable[str]) -> list[Problem]:
    """Each ``{secret:NAME}`` in the values of a tree whose NAME is not declared."""
    declared = tuple(names)
    problems: list[Problem] = []
    for scalar, place in _scalars(node, path):
        problems += [
            Problem(
                f"no secret {name} is declared",
                replace(scalar.where, key=place),
                declare(name, declared),
            )
            for name in secret_refs.names(scalar.text)
            if name not in declared
        ]
    return problems


def declare(name: str, declared: Iterable[str]) -> str:
    """What to do about a secret that is not declared."""
    near = nearest(name, tuple(declared))
    if near:
        return did_you_mean(name, [near])
    return f"Declare it at the top of the file: `secrets: {{{name}: {{env: {name}}}}}`."


def _scalars(node: Node, path: str) -> Iterator[tuple[ScalarNode, str]]:
    match node:
        case ScalarNode():
            yield node, path
        case ListNode():
            for at, item in enumerate(node.items):
                yield from _scalars(item, dotted(path, at))
        case MapNode():
            for key, item in node.items.items():
                yield from _scalars(item, dotted(path, key))
