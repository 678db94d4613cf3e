"""All parts of one lab, put together: what the commands do."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import bases, gitremote, packages, tools
from lab.bases import Base
from lab.engine import GROUP_TIMEOUT, Engine
from lab.errors import LabError
from lab.hub import Builder
from lab.network import HostNetwork, Network, OwnNetwork
from lab.paths import Lab, locked
from lab.process import Group
from lab.registry import Registry, configuration
from lab.shell import run
from lab.sshd import Sshd

HUB_PORT = 5000
REGISTRY_PORT = 5001
WRITER_PORT = 5002
REGISTRY_USER = "lab"


@dataclass(frozen=True)
class Settings:
    """What stays the same for as long as a lab is up. ``net``: "host" or "own"."""

    net: str
    hub_port: int
    registry_port: int


def free_port(wanted: int) -> int:
    """``wanted`` if nothing listens there on this machine, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise LabError("no free port on 127.0.0.1")


class Stack:
    """The engine, the registries and the git remote of one lab."""

    def __init__(self, lab: Lab, say: Callable[[str], None]) -> None:
        self.lab = lab
        self.say = say
        self.toolbox = packages.toolbox_of(lab.cache)
        self.services = Group(f"{lab.name}/services")

    @property
    def network(self) -> Network:
        """The network of the lab as it is up."""
        settings = self.settings()
        if settings is not None and settings.net == "own":
            return OwnNetwork(self.lab.name, self.toolbox.environ(os.environ))
        return HostNetwork(self.lab.name, self.lab.host_network_holder)

    @property
    def engine(self) -> Engine:
        return Engine(self.lab, self.toolbox, self.network, Group(f"{self.lab.name}/engine"))

    def registry(self, name: str, port: int) -> Registry:
        return Registry(name, self.lab.run, self.services, self.toolbox, self.network, port)

    def ssh_up(self) -> dict[str, str]:
        """Make the lab's engine be reached over ssh; variables that say how. Raises LabError."""
        network = self.network
        if not isinstance(network, OwnNetwork):
            raise LabError("an SSH server wants a network of its own: lab up --net own")
        with locked(self.lab.lock):
            return Sshd(self.lab, self.toolbox, network, self.services).up()

    @property
    def password_file(self) -> Path:
        return self.lab.state / "registry-password"

    def settings(self) -> Settings | None:
        """Those of the lab if it is up, or was when it was last heard of."""
        if not self.lab.settings_file.is_file():
            return None
        return Settings(**json.loads(self.lab.settings_file.read_text()))

    def choose_settings(self, net: str | None) -> Settings:
        """The settings of a lab that comes up now: as it was, unless nothing of it runs."""
        known = self.settings()
        if known and (self.engine.daemon.pid() or self.services.members()):
            if net not in (None, known.net):
                raise LabError(
                    f"lab {self.lab.name!r} is up with --net {known.net}; "
                    f"end it first: python3 -m lab down --name {self.lab.name}"
                )
            return known
        net = net or (known.net if known else "host")
        choose = free_port if net == "host" else int
        fresh = Settings(net, choose(HUB_PORT), choose(REGISTRY_PORT))
        self.lab.run.mkdir(parents=True, exist_ok=True)
        self.lab.settings_file.write_text(json.dumps(asdict(fresh)))
        return fresh

    def up(self, wanted: Iterable[Base], net: str | None = None) -> None:
        """Make everything run, and the bases ``wanted`` be on the Docker Hub stand-in.

        Raises LabError if something cannot be had.
        """
        packages.install(self.lab.cache)
        tools.install(self.lab.cache, self.toolbox)
        with locked(self.lab.lock):
            tools.write_docker_config(self.lab)
            settings = self.choose_settings(net)
            self.network.up()
            self.hub_up(settings)
            self.engine.up(self.mirror(settings))
            self.private_registry_up(settings)
            gitremote.create(self.lab.git_remote)
            self.fill_hub(wanted, settings)

    def mirror(self, settings: Settings) -> str:
        return f"http://127.0.0.1:{settings.hub_port}"

    def hub_up(self, settings: Settings) -> None:
        hub = self.registry("hub", settings.hub_port)
        hub.up(configuration(self.lab.cache.hub, hub.address, readonly=True))

    def private_registry_up(self, settings: Settings) -> None:
        """Start the registry that asks for a password."""
        htpasswd = self.lab.state / "htpasswd"
        if not htpasswd.is_file():
            password = secrets.token_urlsafe(18)
            write_secret(self.password_file, password)
            argv = [self.toolbox.program("htpasswd"), "-inB", REGISTRY_USER]
            env = self.toolbox.environ(os.environ)
            write_secret(htpasswd, run(argv, stdin=password, env=env, timeout=30))
        registry = self.registry("registry", settings.registry_port)
        storage = self.lab.state / "registry"
        registry.up(configuration(storage, registry.address, htpasswd=htpasswd))

    def fill_hub(self, wanted: Iterable[Base], settings: Settings) -> None:
        """Build those of ``wanted`` that the Docker Hub stand-in lacks."""
        environ = self.toolbox.environ({**os.environ, **self.environment()})
        builder = Builder(self.lab, environ, self.toolbox, self.lab.cache.hub, self.say)
        wanted = list(wanted)
        if not builder.missing(wanted):
            return  # without waiting for another lab that builds
        with locked(self.lab.cache.lock):
            missing = builder.missing(wanted)
            if not missing:
                return
            self.say(f"building {len(missing)} base images; this is done once for this machine")
            port = free_port(WRITER_PORT) if settings.net == "host" else WRITER_PORT
            writer = self.registry("hub-writer", port)
            writer.up(configuration(self.lab.cache.hub, writer.address))
            try:
                builder.fill(missing, writer.address)
            finally:
                writer.down()
            writer.collect_garbage()

    def down(self, purge: bool) -> None:
        """End everything, and with ``purge`` forget the state (not the cache)."""
        with locked(self.lab.lock):
            self.network.require_outside()
            self.engine.down()
            for name in ("hub", "registry", "hub-writer"):
                self.registry(name, 0).down()
            Group(self.lab.name).destroy(GROUP_TIMEOUT)
            self.network.down()
            self.lab.settings_file.unlink(missing_ok=True)
            if purge:
                for folder in (self.lab.state, self.lab.run):
                    shutil.rmtree(folder, ignore_errors=True)

    def engine_command(self, command: str) -> None:
        """restart, freeze, thaw or kill the engine. Raises LabError if it is not up; one that was
        killed can still be restarted."""
        settings = self.settings()
        engine = self.engine
        with locked(self.lab.lock):
            if settings is None or (engine.daemon.pid() is None and command != "restart"):
                raise LabError(f"the engine of lab {self.lab.name!r} is not up")
            match command:
                case "restart":
                    engine.restart(self.mirror(settings))
                case "freeze":
                    engine.freeze()
                case "thaw":
                    engine.thaw()
                case "kill":
                    engine.kill()

    def status(self) -> dict[str, str]:
        """What runs, in words."""
        engine = self.engine.state()
        settings = self.settings()
        if settings is None:
            return {"lab": self.lab.name, "engine": engine}
        hub = self.registry("hub", settings.hub_port)
        private = self.registry("registry", settings.registry_port)
        return {
            "lab": self.lab.name,
            "engine": engine,
            "network": settings.net,
            "docker": self.lab.docker_host,
            "hub": f"{hub.address} {'up' if hub.answers() else 'down'}",
            "registry": f"{private.address} {'up' if private.answers() else 'down'}",
            "git": str(self.lab.git_remote),
        }

    def environment(self) -> dict[str, str]:
        """Variables for programs that use the lab. Raises LabError if it is not up."""
        settings = self.settings()
        if settings is None:
            raise LabError(f"lab {self.lab.name!r} is not up; run: python3 -m lab up")
        return {
            **tools.environment(self.lab, self.toolbox, os.environ),
            "DOCKCYCLE_LAB_HUB": f"127.0.0.1:{settings.hub_port}",
            "DOCKCYCLE_LAB_REGISTRY": f"127.0.0.1:{settings.registry_port}",
            "DOCKCYCLE_LAB_REGISTRY_USER": REGISTRY_USER,
            "DOCKCYCLE_LAB_REGISTRY_PASSWORD_FILE": str(self.password_file),
            "DOCKCYCLE_LAB_GIT": f"file://{self.lab.git_remote}",
        }

    def defaults(self) -> list[Base]:
        """The bases that ``up`` makes."""
        return [base for base in bases.ALL if base.default]

    def tested(self) -> list[Base]:
        """The bases that the project's tests need."""
        return [*self.defaults(), *(bases.BY_NAME[name] for name in bases.TESTED)]


def write_secret(path: Path, text: str) -> None:
    """Write ``text`` so that only the owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
