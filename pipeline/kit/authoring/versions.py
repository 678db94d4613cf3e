"""Where a language's version is written down, the same way for every language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.kit.authoring.tree import Tree


def pinned(tree: Tree, language: str, *files: str) -> Iterator[tuple[str, str, int | None]]:
    """(version, file, line) as asdf, mise and the language's own ``files`` have it, best first.

    ``language`` is the name that asdf and mise use. What is no version (``system``, the name of a
    virtual environment) is passed over.
    """
    for file in files:
        for text in tree.lines(file)[:1]:
            if version := _version(text):
                yield version, file, tree.line_of(file, text)
    for text in tree.lines(".tool-versions"):
        name, *versions = text.split()
        if name in (language, f"{language}js") and versions and (version := _version(versions[0])):
            yield version, ".tool-versions", tree.line_of(".tool-versions", text)
    for file in ("mise.toml", ".mise.toml"):
        tool = tree.toml(file).get("tools", {}).get(language)
        if isinstance(tool, str) and (version := _version(tool)):
            yield version, file, tree.line_of(file, language)


def _version(text: str) -> str | None:
    match = re.fullmatch(r"(?:[a-z]+-)?v?(\d+(?:\.\d+)*)\S*", text.strip(), re.IGNORECASE)
    return match[1] if match else None
