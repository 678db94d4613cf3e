"""Checks as a list: what one captures another uses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, TypeAdapter

from pipeline.kit.checks.fields import NAME
from pipeline.kit.checks.models import BaseCheck, Check, HttpCheck

_PLACEHOLDER = re.compile(rf"\{{({NAME})\}}")


def placeholders(value: Any) -> set[str]:
    """The ``{name}`` in every text of a JSON-like value."""
    if isinstance(value, str):
        return set(_PLACEHOLDER.findall(value))
    if isinstance(value, Mapping):
        return placeholders(list(value.keys())) | placeholders(list(value.values()))
    if isinstance(value, (list, tuple)):
        return {name for item in value for name in placeholders(item)}
    return set()


def _captured_before_used(checks: tuple[BaseCheck, ...]) -> tuple[BaseCheck, ...]:
    known: set[str] = set()
    for position, check in enumerate(checks, start=1):
        if isinstance(check, HttpCheck):
            if unknown := sorted(placeholders(check.path) - known):
                raise ValueError(
                    f'check {position} ("{check.title}") uses {{{unknown[0]}}}, '
                    "which no earlier check captures"
                )
            known |= check.capture.keys()
    return checks


Checks = Annotated[tuple[Check, ...], AfterValidator(_captured_before_used)]
_CHECKS: TypeAdapter[tuple[BaseCheck, ...]] = TypeAdapter(Checks)


def dump(checks: Sequence[BaseCheck]) -> tuple[dict[str, Any], ...]:
    """The checks as JSON, for ``SmokeReport.checks``."""
    return tuple(check.model_dump(mode="json", by_alias=True, exclude_unset=True)
                 for check in checks)  # fmt: skip


def load(checks: Sequence[Mapping[str, Any]]) -> tuple[BaseCheck, ...]:
    """The reverse of ``dump``.

    Raises:
        pydantic.ValidationError: they are no checks.
    """
    return _CHECKS.validate_python(list(checks))


def read_only(checks: Sequence[BaseCheck]) -> tuple[BaseCheck, ...]:
    """Those that change nothing in the app and need nothing from one that does: what may be asked
    of a version that serves live data. Commands are left out, as nobody knows what they do."""
    lost: set[str] = set()
    kept: list[BaseCheck] = []
    for check in checks:
        if check.harmless and not placeholders(check.model_dump(mode="json")) & lost:
            kept.append(check)
        elif isinstance(check, HttpCheck):
            lost |= check.capture.keys()
    return tuple(kept)
