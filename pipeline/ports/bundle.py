"""All ports in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.errors import Unusable
from pipeline.ports.clock import Clock
from pipeline.ports.compose import Compose
from pipeline.ports.engine import Engine
from pipeline.ports.http import Http
from pipeline.ports.registry import Credentials, Registry
from pipeline.ports.repo import Repo
from pipeline.ports.shell import Shell


def _nowhere(address: str) -> Ports:
    raise Unusable(f"there is no way to the engine at {address}")


@dataclass(frozen=True)
class Ports:
    """The world, as far as stages may ask of it."""

    engine: Engine
    compose: Compose
    registry: Registry
    credentials: Credentials
    repo: Repo
    http: Http
    shell: Shell
    clock: Clock
    elsewhere: Callable[[str], Ports] = _nowhere
    from_here: Http | None = None
    """``http`` of this machine, where that of an engine behind ssh is another's."""

    @property
    def outside(self) -> Http:
        """To what is no part of the app, such as a webhook: always from this machine."""
        return self.from_here or self.http

    def at(self, address: str) -> Ports:
        """The same world around another engine: ``ssh://…``, ``tcp://…``, ``unix://…`` or the name
        of a Docker context. These ports themselves for ``""``. Connects to nothing yet.

        ``http`` of an engine behind ssh goes through it: what answers on its machine's loopback
        address, or at its containers' own, is reached as from there.

        Raises:
            EngineUnavailable: there is no such context, or the address is none.
        """
        return self.elsewhere(address) if address else self
