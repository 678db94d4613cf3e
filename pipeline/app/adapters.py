"""The real world behind the ports."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.compose import DockerCompose
from pipeline.adapters.credentials import DockerCredentials
from pipeline.adapters.docker_engine import DockerEngine
from pipeline.adapters.git_repo import GitRepo
from pipeline.adapters.http import DirectHttp
from pipeline.adapters.registry import HttpRegistry
from pipeline.adapters.shell import LocalShell
from pipeline.adapters.ssh import SshHost
from pipeline.adapters.ssh_http import SshHttp
from pipeline.ports import Http, Shell
from pipeline.stage import Ports


def real_ports(environ: Mapping[str, str]) -> Ports:
    """Adapters for this machine and the engine that the docker command would use. Nothing is
    connected to yet."""
    return _Engines(environ).at("")


class _Engines:
    """The ports around each engine, made once. Thread-safe."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._made: dict[str, Ports] = {}
        self._lock = threading.RLock()

    def at(self, address: str) -> Ports:
        with self._lock:
            if address not in self._made:
                self._made[address] = self._beside(address) if address else self._first()
            return self._made[address]

    def _first(self) -> Ports:
        shell, clock = LocalShell(), SystemClock()
        engine = DockerEngine.from_environment(self._environ)
        return Ports(
            engine=engine,
            compose=_compose(engine, shell),
            registry=HttpRegistry(clock),
            credentials=DockerCredentials(self._environ),
            repo=GitRepo(),
            http=_http(engine),
            shell=shell,
            clock=clock,
            elsewhere=self.at,
            from_here=DirectHttp(),
        )

    def _beside(self, address: str) -> Ports:
        first = self.at("")
        engine = DockerEngine.from_environment(_naming(self._environ, address))
        return replace(
            first, engine=engine, compose=_compose(engine, first.shell), http=_http(engine)
        )


def _naming(environ: Mapping[str, str], address: str) -> dict[str, str]:
    """``environ`` with another engine: an address, or the name of a context."""
    named = ("DOCKER_HOST", "DOCKER_CONTEXT") if "://" in address else (
        "DOCKER_CONTEXT", "DOCKER_HOST")  # fmt: skip
    return {**environ, named[0]: address, named[1]: ""}


def _compose(engine: DockerEngine, shell: Shell) -> DockerCompose:
    return DockerCompose(shell, engine.environment, engine.ping)


def _http(engine: DockerEngine) -> Http:
    """From where the engine's ports are reached."""
    address = engine.endpoint.address
    return SshHttp(SshHost.of(address)) if address.startswith("ssh://") else DirectHttp()
