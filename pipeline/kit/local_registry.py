"""The registry on this machine: one container for all projects, started when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from pipeline.errors import EngineRefused, PortTaken, Unusable, UsageError
from pipeline.kit.labels import ROLE
from pipeline.kit.reach import LOOPBACK, machine
from pipeline.kit.text import tail
from pipeline.ports import Clock, Engine, Http, Journal, Registry
from pipeline.ports.engine import ContainerInfo, ContainerSpec, Mount, Port
from pipeline.scope import Scope

NAME = "dockcycle-registry"
"""Of the container, and of the volume with what was pushed."""
IMAGE = "registry:2"
PORT = "dockcycle.port"
"""Label: the port on loopback, remembered while the container does not run."""
PORTS = range(5000, 5100)
"""Where to look for a free one. macOS keeps 5000 for itself."""
APPEARS_WITHIN = 5.0
"""Seconds in which a container that another process is making comes into sight."""
READY_LIMIT = 30.0
"""Seconds from the start to the first answer."""
_INSIDE = 5000

Tell = Callable[[str], None]


class RegistryPorts(Protocol):
    """The ports that are needed here; ``pipeline.stage.Ports`` is one."""

    @property
    def engine(self) -> Engine: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def http(self) -> Http: ...
    @property
    def clock(self) -> Clock: ...


def find_local_registry(engine: Engine) -> ContainerInfo | None:
    """Our container, running or not."""
    return next(iter(engine.containers({ROLE: "registry"})), None)


def local_registry(
    ports: RegistryPorts, journal: Journal, *, port: int | None, scope: Scope,
    tell: Tell = lambda message: None,
) -> str:  # fmt: skip
    """``127.0.0.1:PORT`` of a registry that answers, ours or, at a ``port`` that was asked for,
    the one that is there already.

    Idempotent, and safe when two processes do it at once. ``tell`` is told what is done.

    Raises:
        Unusable: the engine is on another machine, or the registry does not start.
        PortTaken: something that is no registry has the port.
        UsageError: ours runs on another port than the one asked for.
    """
    address = ports.engine.info().address
    if machine(address):
        raise Unusable(
            f"`local` is a registry on this machine, but the engine is at {address}",
            hint="Name a registry that both can reach, as in `to: [ghcr.io/acme/hello]`.",
        )
    return _Starter(ports, journal, scope, tell).ensure(port)


def remove_local_registry(engine: Engine, *, data: bool) -> list[str]:
    """Remove our container, and with ``data`` what was pushed to it. Names of what was removed."""
    removed = []
    for container in engine.containers({ROLE: "registry"}):
        engine.remove(container.id)
        removed.append(f"container {container.name}")
    if data:
        for volume in engine.volumes({ROLE: "registry"}):
            engine.remove_volume(volume.name)
            removed.append(f"volume {volume.name}")
    return removed


class _Starter:
    def __init__(self, ports: RegistryPorts, journal: Journal, scope: Scope, tell: Tell) -> None:
        self._ports = ports
        self._engine = ports.engine
        self._journal = journal
        self._scope = scope
        self._tell = tell

    def ensure(self, wanted: int | None) -> str:
        if own := find_local_registry(self._engine):
            return self._use(own, wanted)
        if wanted is not None and not self._ports.http.port_free(LOOPBACK, wanted):
            return self._use_foreign(wanted)
        for port in [wanted] if wanted is not None else self._free_ports():
            try:
                return self._create(port)
            except PortTaken:  # between looking and binding
                if wanted is not None:
                    raise
        raise PortTaken(
            f"no port of {PORTS.start} to {PORTS.stop - 1} is free for the local registry",
            hint="Choose one: `to: [{local: {port: 6000}}]`.",
        )

    def _use(self, own: ContainerInfo, wanted: int | None) -> str:
        port = int(own.labels[PORT])
        if wanted is not None and wanted != port:
            raise UsageError(
                f"the local registry is at port {port} already, not at {wanted}",
                hint="Leave `port:` out, or move it: `dockcycle registry down`, then run again. "
                "What was pushed stays.",
            )
        if not own.running:
            self._tell(f"starting the local registry at {LOOPBACK}:{port} again")
            with self._journal.effect("container", own.name):
                self._start_again(own, port)
        return self._ready(own.id, port)

    def _start_again(self, own: ContainerInfo, port: int) -> None:
        try:
            self._engine.start(own.id)
        except PortTaken as error:
            raise PortTaken(
                f"port {port}, where the local registry was, is in use by something else",
                hint="`dockcycle registry down`, then run again: it moves to a free port, and what "
                "was pushed stays.",
                detail=error.message,
            ) from error

    def _use_foreign(self, port: int) -> str:
        """A registry of someone else's at the very port that the user named."""
        host = f"{LOOPBACK}:{port}"
        if not self._ports.registry.ping(host, self._scope):
            raise PortTaken(
                f"port {port} is in use by something that is no registry",
                hint="Choose another `port:` for the local registry.",
            )
        self._tell(f"using the registry that already answers at {host}")
        return host

    def _free_ports(self) -> Iterable[int]:
        return (port for port in PORTS if self._ports.http.port_free(LOOPBACK, port))

    def _create(self, port: int) -> str:
        image = self._engine.image(IMAGE)
        if image is None:
            self._tell(f"pulling {IMAGE} for the local registry")
            image = self._engine.pull(IMAGE, None, lambda line: None, self._scope)
        self._tell(f"starting a registry for this machine at {LOOPBACK}:{port}")
        with self._journal.effect("volume", NAME):
            self._engine.create_volume(NAME, {ROLE: "registry"})
        with self._journal.effect("container", NAME):
            try:
                container = self._engine.create(_spec(image.id, port))
            except EngineRefused:
                return self._use_other(port)
            try:
                self._engine.start(container)
            except PortTaken:
                self._engine.remove(container)
                raise
        return self._ready(container, port)

    def _use_other(self, wanted: int) -> str:
        """The name is taken: by another process that was quicker, or by a stranger."""
        clock = self._ports.clock
        end = clock.monotonic() + APPEARS_WITHIN
        while (there := self._engine.inspect(NAME)) is None and clock.monotonic() < end:
            clock.sleep(0.1, self._scope)  # a name is taken before its container can be seen
        if there is not None and there.labels.get(ROLE) == "registry":
            return self._use(there, None)
        raise EngineRefused(
            f"a container that dockcycle did not make is called {NAME}",
            hint=f"Remove or rename it: `docker rename {NAME} NEW`.",
        )

    def _ready(self, container: str, port: int) -> str:
        """Wait for its first answer."""
        host, clock = f"{LOOPBACK}:{port}", self._ports.clock
        end = clock.monotonic() + READY_LIMIT
        while not self._ports.registry.ping(host, self._scope):
            info = self._engine.inspect(container)
            if info is None or not info.running or clock.monotonic() >= end:
                raise Unusable(
                    f"the local registry at {host} does not answer"
                    + (f", its container is {info.state}" if info and not info.running else ""),
                    hint=f"See `docker logs {NAME}`; `dockcycle registry down` removes it.",
                    detail=tail(self._engine.logs(container, tail=20, scope=self._scope), 20)
                    if info else "",
                )  # fmt: skip
            clock.sleep(0.1, self._scope)
        return host


def _spec(image: str, port: int) -> ContainerSpec:
    return ContainerSpec(
        image=image,
        name=NAME,
        environment={"REGISTRY_STORAGE_DELETE_ENABLED": "true"},
        ports=(Port(container=_INSIDE, host_port=port, host_ip=LOOPBACK),),
        mounts=(Mount(kind="volume", source=NAME, target="/var/lib/registry"),),
        restart="unless-stopped",
        log_driver="json-file",
        log_options={"max-size": "10m", "max-file": "2"},
        labels={ROLE: "registry", PORT: str(port)},
    )
