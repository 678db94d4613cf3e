"""Engines as they are named in pipeline.yml: ``ssh://…``, ``tcp://…``, ``unix://…``, a context."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

SCHEMES = ("ssh", "tcp", "unix", "npipe")
_CONTEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_UNSAFE = re.compile(r"[\s\x00-\x1f\x7f]")


def checked_address(text: str) -> str:
    """``text``, if it names an engine.

    Raises:
        ValueError: it does not, or holds a password.
    """
    scheme, there, _ = text.partition("://")
    if not there:
        if _CONTEXT.fullmatch(text):
            return text
        raise ValueError(
            f"{text!r} is no engine: write ssh://user@host, tcp://host:2376 or the name of a "
            "Docker context"
        )
    if scheme not in SCHEMES:
        raise ValueError(f"{text!r} is no engine: {scheme}:// is not among {', '.join(SCHEMES)}")
    url = urlsplit(text)
    if url.password is not None:  # never shown
        raise ValueError("an engine's address holds no password: ssh logs in by a key")
    local = scheme in ("unix", "npipe")
    if _UNSAFE.search(text) or not (url.path if local else _host(text)):
        raise ValueError(f"{text!r} names no {'socket' if local else 'host'}")
    return text


def _host(text: str) -> str:
    """Empty for one that no host can be called, and for a port that is none."""
    url = urlsplit(text)
    try:
        _ = url.port
    except ValueError:
        return ""
    host = url.hostname or ""
    return "" if host.startswith("-") else host


def as_addresses(value: object) -> tuple[str, ...]:
    """Of an option that is None, an address or a list of them; ``("",)``, the engine that builds,
    without one.

    Raises:
        ValueError: it is none of these.
    """
    if value is None:
        return ("",)
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
        raise ValueError("an engine is a text, several are a list of texts")
    found = tuple(checked_address(str(item)) for item in items)
    if not found:
        raise ValueError("an empty list serves nowhere; name an engine, or leave `engine` out")
    if double := next((one for one in found if found.count(one) > 1), None):
        raise ValueError(f"{double} is there twice")
    return found
