"""The real world behind the ports."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.compose import DockerCompose
from pipeline.adapters.credentials import DockerCredentials
from pipeline.adapters.docker_engine import DockerEngine
from pipeline.adapters.git_repo import GitRepo
from pipeline.adapters.http import DirectHttp
from pipeline.adapters.registry import HttpRegistry
from pipeline.adapters.shell import LocalShell
from pipeline.stage import Ports


def real_ports(environ: Mapping[str, str]) -> Ports:
    """Adapters for this machine and the engine that the docker command would use. Nothing is
    connected to yet."""
    engine, shell, clock = DockerEngine.from_environment(environ), LocalShell(), SystemClock()
    return Ports(
        engine=engine,
        compose=DockerCompose(shell, engine.environment, engine.ping),
        registry=HttpRegistry(clock),
        credentials=DockerCredentials(environ),
        repo=GitRepo(),
        http=DirectHttp(),
        shell=shell,
        clock=clock,
    )
