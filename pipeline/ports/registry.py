"""Registries as stages see them: credentials, and reading back what was pushed."""

from __future__ import annotations

from typing import Protocol

from pydantic import Field

from pipeline.artifacts import Frozen
from pipeline.scope import Scope


class Auth(Frozen):
    """Credentials for one registry; never shown."""

    username: str = ""
    password: str = Field(default="", repr=False)
    identity_token: str = Field(default="", repr=False)
    source: str = ""
    """Where they came from, for messages: ``docker config``, ``helper pass``, ``secret HUB``."""


class Manifest(Frozen):
    """What a registry has under a name."""

    digest: str
    """Of the manifest (or index), ``sha256:…``."""
    config: str = ""
    """Of the image config; empty for an index of several platforms."""
    media_type: str = ""
    platforms: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ()
    """Manifest digests that an index points to (attestations left out)."""
    size: int = 0
    """Bytes of config and layers, compressed; 0 for an index."""


class Registry(Protocol):
    """The registry HTTP API v2, read side. Implementations retry 5xx and dropped connections,
    wait out 429 by ``Retry-After``, and give up on 401/403 at once."""

    def manifest(self, ref: str, auth: Auth | None, scope: Scope) -> Manifest | None:
        """``ref`` is ``[host/]name:tag`` or ``…@sha256:…``; None when the registry has none.

        Raises:
            RegistryDenied: 401 or 403.
            RegistryUnavailable: no useful answer within the scope.
        """

    def ping(self, host: str, scope: Scope) -> bool:
        """Does a registry answer at ``host`` (``host[:port]``)?"""


class Credentials(Protocol):
    """Where the docker command keeps credentials: config file, store, helpers."""

    def lookup(self, host: str) -> Auth | None:
        """For a registry host as in a reference (``docker.io`` for the Hub); None without."""
