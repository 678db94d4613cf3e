"""Where a language's version is written down, the same way for every language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.errors import Location, StageFailed
from pipeline.kit.authoring.tree import Tree

_BEYOND = {"go": (1, 40), "java": (40,), "php": (10,), "ruby": (6,), "rust": (1, 150),
           "dotnet": (16,)}  # fmt: skip
"""What nobody will have published for years after this was written: a slip of the hand. A version
that is only newer than we know is doubted, and tried."""


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


def check(language: str, version: str, file: str, line: int | None = None) -> None:
    """``language`` is the name of the option that says otherwise.

    Raises:
        StageFailed: no such version is published.
    """
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers >= _BEYOND[language]:
        raise StageFailed(
            f"nobody publishes version {version} of {language}, which {file} names",
            hint=f"Mend it there, or say it in pipeline.yml: `dockerfile: {{{language}: …}}`.",
            where=Location(file, line),
        )


def _version(text: str) -> str | None:
    match = re.fullmatch(r"(?:[a-z]+-)?v?(\d+(?:\.\d+)*)\S*", text.strip(), re.IGNORECASE)
    return match[1] if match else None
