"""The real engine: implements ``pipeline.ports.Engine`` over the Docker SDK and buildx."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.adapters.docker.builds import Builds
from pipeline.adapters.docker.client import Client
from pipeline.adapters.docker.containers import Containers
from pipeline.adapters.docker.endpoint import Endpoint, find_endpoint
from pipeline.adapters.docker.images import Images
from pipeline.adapters.docker.mapping import engine_info
from pipeline.adapters.docker.objects import Objects
from pipeline.adapters.docker.plugins import plugin_version
from pipeline.ports.engine import EngineInfo


class DockerEngine(Builds, Images, Containers, Objects):
    """One engine. Connects on first use; thread-safe."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(Client(endpoint))
        self.endpoint = endpoint

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

    def info(self) -> EngineInfo:
        return engine_info(
            self._client.ask(lambda api: api.info()),
            address=self.endpoint.address,
            buildx=plugin_version("buildx", self.endpoint.config),
            compose=plugin_version("compose", self.endpoint.config),
        )
