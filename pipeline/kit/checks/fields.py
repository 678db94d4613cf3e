"""The types of a check's fields, each refused in plain words."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from pipeline.artifacts import Frozen

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_STATUS = re.compile(r"[1-5](?:xx|[0-9][0-9])")


def _regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


def _statuses(value: object) -> tuple[str, ...]:
    """``200``, ``"2xx"`` or a list of such, as texts."""
    items = value if isinstance(value, (list, tuple)) else [value]
    texts = tuple(str(item).lower() for item in items)
    for text in texts:
        if not _STATUS.fullmatch(text):
            raise ValueError(f"{text[:40]} is not a status; write 200, 2xx or [200, 204]")
    if not texts:
        raise ValueError("an empty list fits no status")
    return texts


def _argv(value: object) -> object:
    words = value
    if isinstance(value, str):
        try:
            words = shlex.split(value)
        except ValueError as error:
            raise ValueError(f"the command cannot be split into words: {error}") from None
    if words in ([], ()):
        raise ValueError("there is no command; write it as a list of words or as one text")
    return words


def _path(path: str) -> str:
    if re.search(r"[\s\x00-\x1f\x7f#\\]", path):
        raise ValueError("a path has no blanks, backslashes or #; write them as %20, %5C or %23")
    if not path.startswith("/") and not re.fullmatch(rf"\{{{NAME}\}}", path):
        raise ValueError(f'the path "{path[:60]}" does not begin with /; checks ask the app only')
    return path


def _capture_name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise ValueError(f'"{name[:40]}" cannot name a value; write letters, digits and _')
    return name


_ONE_STATUS: dict[str, Any] = {
    "anyOf": [
        {"type": "integer", "minimum": 100, "maximum": 599},
        {"type": "string", "pattern": f"^{_STATUS.pattern}$"},
    ]
}
Statuses = Annotated[
    tuple[str, ...],
    BeforeValidator(_statuses),
    WithJsonSchema(
        {"anyOf": [*_ONE_STATUS["anyOf"], {"type": "array", "items": _ONE_STATUS, "minItems": 1}]}
    ),
]
Regex = Annotated[str, AfterValidator(_regex)]
Path = Annotated[str, AfterValidator(_path)]
CaptureName = Annotated[str, AfterValidator(_capture_name)]
Argv = Annotated[
    tuple[str, ...],
    BeforeValidator(_argv),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]


class RegexText(Frozen):
    regex: Regex


Text = str | RegexText
"""A text, or a regular expression to search for."""
