"""Values that fill the ``{name}`` and ``{secret:NAME}`` in checks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from pipeline.kit.checks.fields import NAME

_REFERENCE = re.compile(rf"\{{(?:(?P<secret>secret:{NAME})|(?P<name>{NAME}))\}}")
_URL_SAFE = "/?&=%:;,@!$'()*+~"
"""What stands for itself in a path with query."""


class Values:
    """What earlier checks captured, and the secrets.

    References are resolved in one pass: a captured text that looks like a reference stays text, so
    an app cannot ask for a secret. Braces around anything that is not known stay as they are.
    """

    def __init__(self, expand: Callable[[str], str]) -> None:
        """``expand`` resolves ``{secret:NAME}`` in a text."""
        self._expand = expand
        self._captured: dict[str, Any] = {}

    def keep(self, name: str, value: Any) -> None:
        self._captured[name] = value

    def text(self, template: str) -> str:
        """The template filled; structures come as JSON."""
        return self._fill(template, lambda value: value)

    def path(self, template: str) -> str:
        """A path filled with percent-encoded values. One that is nothing but ``{name}`` may be a
        whole path.

        Raises:
            ValueError: that value is no path.
        """
        whole = _REFERENCE.fullmatch(template)
        filled = self._fill(template, lambda value: quote(value, safe="/?&=%" if whole else ""))
        if not filled.startswith("/"):
            raise ValueError(f"{template} holds {filled[:80]!r}, which is not a path")
        return quote(filled, safe=_URL_SAFE)

    def data(self, template: Any) -> Any:
        """A JSON-like value filled. A text that is nothing but ``{name}`` becomes the value itself,
        a number for instance."""
        if isinstance(template, str):
            match = _REFERENCE.fullmatch(template)
            if match and match["name"] in self._captured:
                return self._captured[match["name"]]
            return self.text(template)
        if isinstance(template, Mapping):
            return {self.text(str(key)): self.data(value) for key, value in template.items()}
        if isinstance(template, (list, tuple)):
            return [self.data(item) for item in template]
        return template

    def _fill(self, template: str, encode: Callable[[str], str]) -> str:
        def value(match: re.Match[str]) -> str:
            if match["secret"]:
                return encode(self._expand(match.group()))
            if match["name"] not in self._captured:
                return match.group()
            found = self._captured[match["name"]]
            return encode(found if isinstance(found, str) else json.dumps(found))

        return _REFERENCE.sub(value, template)
