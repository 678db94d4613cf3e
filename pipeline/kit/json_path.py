"""One value out of a JSON document: ``$.items[0].name``.

The syntax is RFC 9535's singular query: after ``$``, ``.name`` or ``['any name']`` enters an object
and ``[0]`` or ``[-1]`` an array. Unquoted names may have dashes too.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator

_STEP = re.compile(r"""\.([^\W\d][\w-]*)|\[(-?\d{1,9})\]|\['([^']*)'\]|\["([^"]*)"\]""")


class NothingThere(LookupError):
    """The document has no value at the path; the message says where the way ends."""


def steps(path: str) -> tuple[str | int, ...]:
    """The names and positions that the path goes through.

    Raises:
        ValueError: it is not a path.
    """
    position = 1
    found: list[str | int] = []
    while path.startswith("$") and (match := _STEP.match(path, position)):
        name, index, *quoted = match.groups()
        found.append(int(index) if index else next(n for n in (name, *quoted) if n is not None))
        position = match.end()
    if not path.startswith("$") or position != len(path):
        raise ValueError(f"\"{path}\" is not a JSON path; write $.name, $.items[0].id or $['a b']")
    return tuple(found)


def find(path: str, document: Any) -> Any:
    """The value at ``path``.

    Raises:
        NothingThere: there is none.
    """
    value, here = document, "$"
    for step in steps(path):
        if isinstance(step, int):
            if not isinstance(value, list):
                raise NothingThere(f"{here} is {_kind(value)}, not an array")
            if not -len(value) <= step < len(value):
                raise NothingThere(f"{here} has {len(value)} elements, none at {step}")
        elif not isinstance(value, dict):
            raise NothingThere(f"{here} is {_kind(value)}, not an object")
        elif step not in value:
            raise NothingThere(f"{here} has no {step!r}")
        value = value[step]
        here += f"[{step}]" if isinstance(step, int) else f".{step}"
    return value


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values: ``1`` is ``1.0`` but neither ``true`` nor ``"1"``."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", type(None): "null"}
    if isinstance(value, bool):
        return "a boolean"
    return names.get(type(value), "a number")


def _checked(path: str) -> str:
    steps(path)
    return path


JsonPath = Annotated[str, AfterValidator(_checked)]
