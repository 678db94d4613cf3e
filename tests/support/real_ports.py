"""The real ports of the lab's engine, for tests of one stage at a time."""

from __future__ import annotations

import os
from typing import cast

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.compose import DockerCompose
from pipeline.adapters.docker_engine import DockerEngine
from pipeline.adapters.http import DirectHttp
from pipeline.adapters.shell import LocalShell
from pipeline.ports import Auth, Credentials, Registry, Repo
from pipeline.stage import Ports


class NoCredentials:
    """Implements ``pipeline.ports.Credentials``: there are none."""

    def lookup(self, host: str) -> Auth | None:
        return None


def real_ports() -> Ports:
    """All but registry and git."""
    engine, shell = DockerEngine.from_environment(os.environ), LocalShell()
    return Ports(
        engine=engine,
        compose=DockerCompose(shell, engine.environment, engine.ping),
        registry=cast(Registry, None),
        credentials=cast(Credentials, NoCredentials()),
        repo=cast(Repo, None),
        http=DirectHttp(),
        shell=shell,
        clock=SystemClock(),
    )
