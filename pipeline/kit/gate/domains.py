"""``domain:``: names that an app is opened by. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ADDRESS = re.compile(r"[0-9.]+")
_NO_WILDCARD = "a certificate for all names below another one needs access to its DNS"

HOME = ("localhost", "test", "internal", "local", "home.arpa", "lan")
"""Names that nobody can own (RFC 6761, 6762, 8375, and what people use at home): no public
authority gives certificates for them."""


def parse_domains(value: str | Sequence[str]) -> tuple[str, ...]:
    """``app.example.org``, or a list, in lower case and in the form that goes over the wire.

    Raises:
        ValueError: one is no host name.
    """
    items = [value] if isinstance(value, str) else list(value)
    if not items:
        raise ValueError("an empty list names no domain")
    return tuple(dict.fromkeys(_domain(item) for item in items))


def _domain(text: str) -> str:
    if "://" in text or "/" in text:
        raise ValueError(f"{text!r} is a URL: write the host name alone, as in app.example.org")
    if "*" in text:
        raise ValueError(f"{text!r}: {_NO_WILDCARD}; name each domain")
    if ":" in text:
        raise ValueError(f"{text!r} has a port: a domain is served at 80 and 443")
    try:
        name = text.strip().rstrip(".").lower().encode("idna").decode()
    except UnicodeError as error:
        raise ValueError(f"{text!r} is no host name: {error}") from error
    if _ADDRESS.fullmatch(name):
        raise ValueError(f"{text!r} is an address: certificates are for names")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError(f"{text!r} is no host name")
    if "." not in name and name not in HOME:
        raise ValueError(f"{text!r} has no dot: write the whole name, as in app.example.org")
    return name


def is_home(domain: str) -> bool:
    """Does the gate vouch for it itself?"""
    return any(domain == home or domain.endswith(f".{home}") for home in HOME)
