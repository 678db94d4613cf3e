"""Values of a Compose model and what they mean.

Text in a model is as Compose prints it: a dollar sign is written twice, so that Compose can read it
back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def plain(text: object) -> str:
    """A value of the model as it is meant, without Compose's doubling of ``$``."""
    return str(text).replace("$$", "$")


def escaped(text: str) -> str:
    """The reverse of ``plain``: literal text as Compose has to read it."""
    return text.replace("$", "$$")


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """``value`` (JSON-like) with every text in it changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: mapped(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mapped(item, change) for item in value]
    return value


def pairs(values: Mapping[str, object] | Sequence[str] | None) -> dict[str, str]:
    """A Compose mapping, in either spelling, without the entries that have no value."""
    if not isinstance(values, Mapping):
        values = dict(entry.split("=", 1) for entry in values or () if "=" in entry)
    return {key: plain(value) for key, value in values.items() if value is not None}


def hosts(values: Mapping[str, object] | Sequence[str] | None) -> dict[str, str]:
    """``extra_hosts`` in any of its spellings: host name → address."""
    if isinstance(values, Mapping):
        return {
            host: plain(address[0] if isinstance(address, list) else address)
            for host, address in values.items()
        }
    split = (entry.replace("=", ":", 1).split(":", 1) for entry in values or ())
    return {host: plain(address.strip("[]")) for host, address in split}
