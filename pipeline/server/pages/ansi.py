"""Foreign output as HTML: escaped, harmless, its colours kept as classes (never as styles)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

from pipeline.kit.text import sanitize

_SGR = re.compile(r"\x1b\[([0-9;:]*)m")
_WEIGHTS = {1: "bold", 2: "dim", 3: "italic", 4: "underline"}
_GREY, _WHITE = 8, 7
WIDEST = 4000
"""Characters shown of a line; the raw log has all of it."""


@dataclass(frozen=True)
class _Look:
    """What is switched on. Colours are numbers of the sixteen that the style sheet has."""

    weights: frozenset[str] = frozenset()
    ink: int | None = None
    paper: int | None = None

    @property
    def classes(self) -> str:
        names = sorted(f"t-{weight}" for weight in self.weights)
        if self.ink is not None:
            names.append(f"ink-{self.ink}")
        if self.paper is not None:
            names.append(f"paper-{self.paper}")
        return " ".join(names)


def to_html(line: str) -> Markup:
    """One line, safe to put into a page."""
    text = sanitize(line[:WIDEST], keep_colour=True)
    if len(line) > WIDEST:
        text += " …"
    return Markup("").join(_parts(text))


def _parts(text: str) -> Iterator[Markup]:
    look = _Look()
    pieces = _SGR.split(text)
    for number, piece in enumerate(pieces):
        if number % 2:
            look = _switched(look, piece)
        elif piece and look.classes:
            yield Markup('<span class="{}">{}</span>').format(look.classes, piece)
        elif piece:
            yield escape(piece)


def _switched(look: _Look, sequence: str) -> _Look:
    codes = iter([int(code) if code else 0 for code in re.split("[;:]", sequence)])
    for code in codes:
        look = _coded(look, code, codes)
    return look


def _coded(look: _Look, code: int, more: Iterator[int]) -> _Look:
    match code:
        case 0:
            return _Look()
        case 1 | 2 | 3 | 4:
            return replace(look, weights=look.weights | {_WEIGHTS[code]})
        case 22:
            return replace(look, weights=look.weights - {"bold", "dim"})
        case 23 | 24:
            return replace(look, weights=look.weights - {_WEIGHTS[code - 20]})
        case 38:
            return replace(look, ink=_extended(more))
        case 48:
            return replace(look, paper=_extended(more))
        case 39:
            return replace(look, ink=None)
        case 49:
            return replace(look, paper=None)
    for first, bright in ((30, 0), (90, 8)):
        if first <= code < first + 8:
            return replace(look, ink=code - first + bright)
        if first + 10 <= code < first + 18:
            return replace(look, paper=code - first - 10 + bright)
    return look


def _extended(codes: Iterator[int]) -> int | None:
    """The nearest of the sixteen to a colour of the 256, or to one of red, green and blue."""
    match next(codes, None):
        case 5:
            return _of_256(next(codes, 0))
        case 2:
            return _nearest(next(codes, 0), next(codes, 0), next(codes, 0))
    return None


def _of_256(number: int) -> int:
    if number < 16:
        return number
    if number >= 232:
        return _nearest(*[(number - 232) * 10 + 8] * 3)
    cube = number - 16
    return _nearest(*(level * 51 for level in (cube // 36, cube // 6 % 6, cube % 6)))


def _nearest(red: int, green: int, blue: int) -> int:
    strongest = max(red, green, blue)
    if strongest - min(red, green, blue) < 32:
        return 0 if strongest < 48 else _GREY if strongest < 160 else _WHITE
    hue = sum(1 << bit for bit, level in enumerate((red, green, blue)) if level > strongest / 2)
    return hue + (8 if strongest > 200 else 0)
