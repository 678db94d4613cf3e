"""The real engine: implements ``pipeline.ports.Engine`` over the Docker SDK and buildx."""

from __future__ import annotations

import time
from collections.abc import Mapping

from pipeline.adapters.docker.builds import Builds
from pipeline.adapters.docker.client import Client
from pipeline.adapters.docker.containers import Containers
from pipeline.adapters.docker.endpoint import Endpoint, find_endpoint
from pipeline.adapters.docker.images import Images
from pipeline.adapters.docker.mapping import engine_info
from pipeline.adapters.docker.objects import Objects
from pipeline.adapters.docker.plugins import plugin_version
from pipeline.adapters.docker.watching import Watching
from pipeline.ports.engine import EngineInfo, Tools

FRESH = 30.0
"""Seconds that facts about the engine are kept."""


class DockerEngine(Builds, Images, Containers, Objects, Watching):
    """One engine. Connects on first use; thread-safe."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(Client(endpoint))
        self.endpoint = endpoint
        self._known: tuple[float, EngineInfo | None] = (0.0, None)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> DockerEngine:
        """The engine that the docker command would use.

        Raises:
            EngineUnavailable: the docker context that is named does not exist.
        """
        return cls(find_endpoint(environ))

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make the docker command and its plugins use this engine."""
        return self.endpoint.environment()

    def ping(self) -> None:
        """Raises ``EngineUnavailable`` when the engine does not answer within seconds."""
        self._client.ping()

    def info(self) -> EngineInfo:
        at, known = self._known
        if known is None or time.monotonic() - at > FRESH:
            known = engine_info(self._client.ask(lambda api: api.info()), self.endpoint.address)
            self._known = time.monotonic(), known
        return known

    def tools(self) -> Tools:
        config = self.endpoint.config
        return Tools(
            buildx=plugin_version("buildx", config), compose=plugin_version("compose", config)
        )
