"""What source code says, the same way for every language: by regular expressions, not by parsing.

The code may be in a newer language than anything here knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.kit.authoring.tree import Tree

HEALTH = re.compile(
    r"[\"'`](?:GET )?(/(?:api/|v1/|api/v1/|actuator/|q/)?"
    r"(?:healthz?|health[-_]?check|_health|livez|readyz|ping|up))/?[\"'`]"
)
_EMBEDDED = re.compile(r"^//go:embed\s+(.*)$", re.MULTILINE)
_INCLUDED = re.compile(r"include_(?:str|bytes|dir)!\([^)]*\)")
"""What becomes a part of the program when it is compiled, in Go and in Rust."""
_NOT_READ_AT_RUN_TIME = frozenset({"vendor", "target", "node_modules", "testdata", "tests", "test"})


@dataclass(frozen=True)
class Found:
    """Text of the code, and where it is."""

    value: str
    file: str
    line: int


class Sources:
    """The files of an app in one language, likely ones first."""

    def __init__(self, tree: Tree, files: Iterable[str]) -> None:
        self.tree = tree
        self.files = tuple(files)

    def first(self, *patterns: re.Pattern[str]) -> Found | None:
        """The first match of the first pattern that has any: its first group that took part."""
        for pattern in patterns:
            for file in self.files:
                text = self.tree.read(file)
                if match := pattern.search(text):
                    value = next((group for group in match.groups() if group), match[0])
                    return Found(value, file, text.count("\n", 0, match.start()) + 1)
        return None

    def has(self, pattern: re.Pattern[str]) -> bool:
        return self.first(pattern) is not None

    def health_route(self) -> Found | None:
        """A route that says whether the app is well."""
        return self.first(HEALTH)

    def data(self, ignored: frozenset[str] = frozenset()) -> list[str]:
        """Files and folders of the top level that the code names, so that it may read them when it
        runs. ``ignored`` are ends of names that the build has used up."""
        tops: dict[str, None] = {}
        for path in self.tree.files:
            top, slash, _ = path.partition("/")
            if path.rpartition(".")[2] not in ignored and not top.startswith("."):
                tops[top if not slash else f"{top}/"] = None
        text = "\n".join(self.tree.read(file) for file in self.files)
        embedded = {word.split("/")[0] for line in _EMBEDDED.findall(text) for word in line.split()}
        text = _INCLUDED.sub("", text)
        return [
            top for top in tops if top.rstrip("/") not in embedded and self._is_named(top, text)
        ]

    @staticmethod
    def _is_named(top: str, text: str) -> bool:
        name = top.rstrip("/")
        if name in _NOT_READ_AT_RUN_TIME:
            return False
        rest = r"(?:/[^\"'`\n]*)?" if top.endswith("/") else ""
        return re.search(rf"[\"'`](?:\./)?{re.escape(name)}{rest}[\"'`]", text) is not None
