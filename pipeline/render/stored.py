"""Events read back from their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from pipeline.events import EVENT_TYPES, Event


def parse(body: Mapping[str, Any]) -> Event:
    """The event that ``to_json`` gave; a type of a newer dockcycle is a plain ``Event``.

    Raises:
        pydantic.ValidationError: the fields are of the wrong form.
    """
    fields = {key: value for key, value in body.items() if key != "type"}
    return _adapter(str(body.get("type"))).validate_python(fields)


@cache
def _adapter(name: str) -> TypeAdapter[Event]:
    return TypeAdapter(EVENT_TYPES.get(name, Event))
