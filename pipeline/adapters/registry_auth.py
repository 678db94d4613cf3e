"""How a registry wants to be asked: basic authentication, or a token from where it points to."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pipeline.kit.references import HUB, is_loopback
from pipeline.ports.registry import Auth

_CHALLENGE = re.compile(
    r'(?:^|,)\s*(?P<scheme>basic|bearer)\s+(?P<fields>(?:[a-z_]+="[^"]*"\s*(?:,\s*(?=[a-z_]+="))?)+)',
    re.IGNORECASE,
)
_FIELD = re.compile(r'([a-z_]+)="([^"]*)"', re.IGNORECASE)
_PARTNERS = ((HUB, "auth.docker.io"), ("scw.cloud", "api.scaleway.com"))
"""Registries (and what is below them) that hand out tokens at another site of their own."""


@dataclass(frozen=True)
class Challenge:
    """One demand of a ``WWW-Authenticate`` header."""

    scheme: str
    """``basic`` or ``bearer``."""
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def realm(self) -> str:
        return self.fields.get("realm", "")


def parse_challenge(header: str) -> Challenge | None:
    """What the header demands; a token is preferred where both are offered."""
    found = [
        Challenge(match["scheme"].lower(), _fields(match["fields"]))
        for match in _CHALLENGE.finditer(header)
    ]
    return next((c for c in found if c.scheme == "bearer"), found[0] if found else None)


def _fields(text: str) -> dict[str, str]:
    return {name.lower(): value for name, value in _FIELD.findall(text)}


def basic(auth: Auth) -> str:
    """The value of an ``Authorization`` header."""
    pair = f"{auth.username}:{auth.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def distrusted(host: str, realm: str, *, secret: bool) -> str:
    """Why nothing is sent to ``realm`` although the registry ``host`` says so; empty if it may be.

    Credentials (``secret``) go to the registry's own site only, or to a known partner; and nothing
    goes over an unprotected line to another machine.
    """
    parts = urlsplit(realm)
    name = parts.hostname or ""
    here = is_loopback(host) and is_loopback(name)
    if not name or parts.scheme not in ("http", "https"):
        return "that is not a web address"
    if parts.scheme == "http" and not here:
        return "that is not protected by TLS"
    registry = urlsplit(f"//{host}").hostname or ""
    if not secret or here or name == registry or _site(name) == _site(registry):
        return ""
    if any((registry == own or registry.endswith(f".{own}")) and name == partner
           for own, partner in _PARTNERS):  # fmt: skip
        return ""
    return "that is another site, which is not given the credentials"


def _site(host: str) -> str:
    """The registrable part of a name: two labels, or three under the likes of ``co.uk``."""
    labels = host.lower().rstrip(".").split(".")
    if all(label.isdigit() for label in labels) or ":" in host:
        return host  # an address
    country = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3:] if country else labels[-2:])
