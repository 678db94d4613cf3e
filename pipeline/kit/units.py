"""Types for option models that people write in their own words: ``10m``, ``512m``, ``8000``.

Each has a parse function that raises ``ValueError`` in plain words, and a JSON schema for editors.
"""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from pipeline.kit.text import show_value

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# Bounded, so that no number overflows; ASCII digits only.
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_PART = re.compile(rf"({_NUMBER})\s*(ms|s|m|h|d)")
_DURATION = rf"^{_NUMBER}$|^(?:{_NUMBER}\s*(?:ms|s|m|h|d)\s*)+$"

_BYTES = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_SIZE = rf"^({_NUMBER})\s*([kKmMgGtT]?)([iI]?[bB])?$"


def parse_duration(value: object) -> float:
    """Seconds (≥ 0) of ``30``, ``"30"``, ``"500ms"``, ``"10m"`` or ``"1h30m"``.

    Raises:
        ValueError: it is not a duration.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if math.isfinite(value) and value >= 0:
            return float(value)
    elif isinstance(value, str) and re.search(_DURATION, text := value.strip()):
        if parts := _PART.findall(text):
            return math.fsum(float(number) * _SECONDS[unit] for number, unit in parts)
        return float(text)
    raise ValueError(
        f"{show_value(value)} is not a duration; write 30s, 10m, 1h30m or a number of seconds"
    )


def parse_timeout(value: object) -> float:
    """As ``parse_duration``, but more than zero."""
    seconds = parse_duration(value)
    if seconds <= 0:
        raise ValueError("a limit of no time at all; write 30s, 10m or 1h30m")
    return seconds


def parse_bytes(value: object) -> int:
    """Bytes of ``1048576``, ``"512m"``, ``"1.5g"`` or ``"64KiB"``; units are powers of 1024, as
    they are for the docker command.

    Raises:
        ValueError: it is not a size.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value >= 0:
            return value
    elif isinstance(value, str) and (match := re.search(_SIZE, value.strip())):
        number, unit, _ = match.groups()
        return int(float(number) * _BYTES[unit.lower()])
    raise ValueError(f"{show_value(value)} is not a size; write 512m, 1.5g or a number of bytes")


def parse_port(value: object) -> int:
    """A port number of ``8000`` or ``"8000"``.

    Raises:
        ValueError: it is not 1 to 65535.
    """
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value.strip()):
        number = int(value.strip())
    if number is None or not 1 <= number <= 65535:
        raise ValueError(f"{show_value(value)} is not a port; a port is a number from 1 to 65535")
    return number


def parse_scalar(value: object) -> str:
    """The text of a string, number or boolean, as a container's environment would hold it:
    ``true`` and ``false`` in lower case, numbers as they are written.

    Raises:
        ValueError: it is a list, a mapping or nothing at all.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if value is None:
        raise ValueError('there is no value; write "" for an empty one')
    raise ValueError(
        f"{show_value(value)} is not a single value; write a string, a number or a boolean"
    )


Seconds = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _DURATION}]},
        mode="validation",
    ),
]
"""A duration, in seconds."""

Timeout = Annotated[
    float,
    BeforeValidator(parse_timeout),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": _DURATION},
            ]
        },
        mode="validation",
    ),
]
"""A duration of more than nothing, in seconds."""

Bytes = Annotated[
    int,
    BeforeValidator(parse_bytes),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _SIZE}]},
        mode="validation",
    ),
]
"""A size, in bytes."""

PortNumber = Annotated[
    int,
    BeforeValidator(parse_port),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 65535}, mode="validation"),
]
"""A TCP or UDP port."""

Scalar = Annotated[
    str,
    BeforeValidator(parse_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean"]}, mode="validation"),
]
"""Text that may be written as a number or boolean: environment values, build arguments, labels."""
