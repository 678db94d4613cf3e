"""Words of a Dockerfile's line: how they are told apart, quoted and read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

_SAFE = re.compile(r"[\w./:@%+,=~^$(){}*?!&;<>|\[\]-]+")


@cache
def _token(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    return re.compile(
        rf'"(?P<double>(?:{e}.|[^"{e}])*)"'
        r"|'(?P<single>[^']*)'"
        rf"|{e}(?P<escaped>.)"
        r"|(?P<space>[ \t\v\f\r]+)"
        r"|(?P<plain>.)",
        re.DOTALL,
    )


def split(text: str, escape: str = "\\") -> list[str]:
    """Words at white space outside of quotes; quotes and escapes stay in the words.

    A newline is the seam of a continued line and no white space: it is dropped.
    """
    words = [""]
    for token in _token(escape).finditer(text.replace("\n", "")):
        if token.lastgroup == "space":
            words.append("")
        else:
            words[-1] += token.group()
    return [word for word in words if word]


def quote(value: str) -> str:
    """One word that the builder reads as ``value``. ``$NAME`` in it is still expanded, and ``\\$``
    stays a dollar sign."""
    if value and _SAFE.fullmatch(value):
        return value
    escaped = re.sub(r'"|\\(?!\$)', lambda match: "\\" + match.group(), value)
    return f'"{escaped}"'


def unquote(word: str, escape: str = "\\") -> str:
    """What a word means, but for ``$NAME``, which stays; ``\\$`` is a dollar sign."""
    return _token(escape).sub(lambda token: _meaning(token, escape), word)


def _meaning(token: re.Match[str], escape: str) -> str:
    text = token.group()
    match token.lastgroup:
        case "double":
            special = rf'{re.escape(escape)}(["{re.escape(escape)}])'
            return re.sub(special, r"\1", text[1:-1])
        case "single":
            return text[1:-1].replace("$", "\\$")
        case "escaped":
            return "\\$" if text[1] == "$" else text[1]
        case _:
            return text


def join(text: str, escape: str = "\\") -> str:
    """Several words as the one that they mean in the old form ``ENV NAME some words``."""
    return _token(escape).sub(
        lambda token: f'"{token.group()}"' if token.lastgroup == "space" else token.group(), text
    )


_MARKER = re.compile(r"""\d*<<(?P<chomp>-?)(?P<quote>["']?)(?P<name>[^\s<"']+)(?P=quote)""")


def markers(text: str) -> Iterator[tuple[str, bool]]:
    """Names of the heredocs that a line announces, each with whether leading tabs are dropped."""
    for word in split(re.sub(r"<<[ \t]+", "<<", text)):
        if match := _MARKER.fullmatch(word):
            yield match["name"], bool(match["chomp"])
