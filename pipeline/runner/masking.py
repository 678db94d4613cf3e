"""Secrets never reach a sink: every string of every event and record passes through here once."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""A shorter value would hide half of every log, and hide nothing."""

T = TypeVar("T")


class Masker:
    """Replaces secret values, and the usual encodings of them, by ``***``."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for value in values:
            self.add(value)

    def add(self, value: str) -> bool:
        """Mask ``value`` from now on; False when it is too short to be."""
        forms = {form for form in _forms(value) if len(form) >= SHORTEST}
        with self._lock:
            self._forms |= forms
            longest_first = sorted(self._forms, key=len, reverse=True)
            if longest_first:
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return len(value) >= SHORTEST

    def watch(self, load: Callable[[str], str]) -> Callable[[str], str]:
        """``load`` (name → value), with each value masked before anyone sees it."""

        def loader(name: str) -> str:
            value = load(name)
            self.add(value)
            return value

        return loader

    def text(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text

    def data(self, value: T) -> T:
        """The same structure with every string in it masked (keys of mappings too)."""
        return self._walk(value) if self._pattern else value

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._walk(key): self._walk(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._walk(item) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{f.name: self._walk(getattr(value, f.name)) for f in
                                     fields(value) if f.init})  # fmt: skip
        return value


def _forms(value: str) -> set[str]:
    """What a value may look like in a log: itself, by line, JSON, URL and base64 encoded."""
    lines = {line.strip() for line in value.splitlines()}
    encoded = {json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value)}
    encoded |= {_base64_core(value.encode(), shift) for shift in range(3)}
    long_enough = {form for form in encoded if len(form) >= 2 * SHORTEST}
    return {value, value.strip()} | {line for line in lines if line} | long_enough


def _base64_core(raw: bytes, shift: int) -> str:
    """The characters that ``raw`` always has in a base64 text when ``shift`` (mod 3) bytes precede
    it, as in ``base64("user:password")``; those that it shares with its neighbours are left out."""
    text = base64.b64encode(bytes(shift) + raw).decode()
    return text[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
