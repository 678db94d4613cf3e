"""What stages may ask of the world, in the project's own types."""

from pipeline.ports.bundle import Ports
from pipeline.ports.clock import Clock
from pipeline.ports.compose import Compose
from pipeline.ports.engine import Engine
from pipeline.ports.http import Http
from pipeline.ports.journal import Journal
from pipeline.ports.registry import Auth, Credentials, Registry
from pipeline.ports.repo import Repo
from pipeline.ports.shell import Shell

__all__ = [
    "Auth", "Clock", "Compose", "Credentials", "Engine", "Http", "Journal",
    "Ports", "Registry", "Repo",
    "Shell",
]  # fmt: skip
