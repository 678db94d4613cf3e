"""References to named secrets inside values: ``{secret:NAME}``."""

from __future__ import annotations

import re
from collections.abc import Callable

_REFERENCE = re.compile(r"\{secret:([A-Za-z_][A-Za-z0-9_]*)\}")


def reference(name: str) -> str:
    """How a value names a secret."""
    return f"{{secret:{name}}}"


def names(text: str) -> list[str]:
    """The secrets that ``text`` refers to."""
    return _REFERENCE.findall(text)


def expand(text: str, lookup: Callable[[str], str]) -> str:
    """``text`` with each reference replaced by ``lookup(name)``."""
    return _REFERENCE.sub(lambda match: lookup(match.group(1)), text)
