"""All ports in one place."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.ports.clock import Clock
from pipeline.ports.compose import Compose
from pipeline.ports.engine import Engine
from pipeline.ports.http import Http
from pipeline.ports.registry import Credentials, Registry
from pipeline.ports.repo import Repo
from pipeline.ports.shell import Shell


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
