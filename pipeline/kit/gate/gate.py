"""The gate of an engine: a container of Caddy that passes domains on to the projects' fronts.

Who is behind which domain is in its volume, as names of files, so a gate that was deleted is made
anew as it was. It knows fronts only, by a network of its own: releases change behind them without
its being touched, and apps of different projects do not meet in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pipeline.artifacts import Frozen
from pipeline.errors import EngineRefused, PortTaken, StageFailed
from pipeline.kit.gate.caddy import CONFIG, FOLDER, configuration
from pipeline.kit.hashing import fingerprint
from pipeline.kit.labels import ROLE
from pipeline.kit.ports_free import require_free
from pipeline.kit.reach import engine_host
from pipeline.kit.readiness import last_lines
from pipeline.ports import Clock, Engine, Http, Journal
from pipeline.ports.engine import ContainerInfo, ContainerSpec, ExecResult, ImageInfo, Mount, Port
from pipeline.ports.http import HttpFailure
from pipeline.scope import Scope

NAME = "dockcycle-gate"
"""Of the container, its network, and the volume with certificates and the list of domains."""
IMAGE = "caddy:2"
PORTS = (Port(container=80, host_port=80), Port(container=443, host_port=443))
MARK = "dockcycle.gate"
"""Label of the container: the mark of its configuration."""
ACME = "dockcycle.acme"
"""Label of the volume: where certificates in it come from, as JSON."""
LIMIT = 20.0
"""Seconds that Caddy may take until it listens."""
_QUICK = 20.0
"""Seconds for a command in its container."""
_OURS = {ROLE: "gate"}


class Acme(Frozen):
    """Who signs certificates of public names; empty for what Caddy takes by itself."""

    ca: str = ""
    """URL of the directory of an ACME server."""
    email: str = ""
    """Whom it tells when something is wrong with a certificate."""


@dataclass(frozen=True)
class GateState:
    """How the gate of an engine stands."""

    engine: Engine

    def found(self) -> ContainerInfo | None:
        return next(iter(self.engine.containers(_OURS)), None)

    def routes(self) -> dict[str, str]:
        """Domain → ``CONTAINER:PORT``; empty without a gate that runs."""
        info = self.found()
        if info is None or not info.running:
            return {}
        listed = self._run(info, ["ls", FOLDER])
        pairs = (line.partition("@") for line in listed.output.split() if listed.exit_code == 0)
        return {domain: to for domain, at, to in pairs if at}

    def drift(self, domains: Sequence[str], to: str) -> str:
        """What keeps the domains from being led to ``to``; empty when nothing does."""
        info = self.found()
        if info is None:
            return "the gate is gone"
        if not info.running:
            return f"the gate is {info.state}"
        routes = self.routes()
        wrong = [domain for domain in domains if routes.get(domain) != to]
        return f"the gate does not lead {wrong[0]} here" if wrong else ""

    def forget(self, front: str) -> list[str]:
        """Lead nobody to ``front`` (a container's name) any more, and remove the gate when it leads
        nowhere then; what was done, for people. Certificates stay."""
        info, routes = self.found(), self.routes()
        mine = {f"{d}@{to}" for d, to in routes.items() if _front_of(to) == front}
        done = []
        if info and mine and len(mine) == len(routes):
            self.engine.remove(info.id)
            done = [f"removed {NAME}, whose certificates stay in the volume {NAME}"]
        elif info and mine:
            self._drop(info, mine)
            done = [f"the gate leads no more to {front}"]
        if self.found() is None:
            with suppress(EngineRefused):  # another front is in it, and may need it soon
                self.engine.remove_network(NAME)
        return done

    def _drop(self, info: ContainerInfo, names: Iterable[str]) -> None:
        paths = [f"{FOLDER}/{name}" for name in sorted(names)]
        if paths and info.running:
            self._run(info, ["rm", "-f", *paths])

    def _run(self, info: ContainerInfo, argv: list[str]) -> ExecResult:
        return self.engine.exec(info.id, argv, Scope(_QUICK, what=f"`{argv[0]}` in the gate"))


@dataclass(frozen=True)
class Gate(GateState):
    """The gate of an engine, to be put right."""

    http: Http
    clock: Clock
    journal: Journal
    scope: Scope

    def require(self, front: str, domains: Iterable[str]) -> None:
        """See that ``front`` (a container's name) could have the domains; changes nothing.

        Raises:
            StageFailed: another project has one.
            PortTaken: something else has port 80 or 443.
        """
        for domain, to in self.routes().items():
            holder = _front_of(to)
            if domain in domains and holder != front and self.engine.inspect(holder):
                raise StageFailed(
                    f"{domain} is served by {holder.removesuffix('-front')} on this engine",
                    hint=f"Take `domain: {domain}` out of the one project or the other.",
                )
        try:
            require_free(PORTS, engine=self.engine, http=self.http, allowed={NAME})
        except PortTaken as error:
            error.hint = (
                "A `domain` is served at ports 80 and 443, by one gate for all projects. Stop what "
                "has them, or use `publish` and lead your own proxy there."
            )
            raise

    def join(self, front: ContainerInfo) -> None:
        """Let the gate reach a front."""
        with self.journal.effect("network", NAME):
            self.engine.create_network(NAME, _OURS)
            if NAME not in front.addresses:
                self.engine.connect(NAME, front.id)

    def lead(self, domains: Sequence[str], to: str, acme: Acme) -> None:
        """Pass these domains on to ``to`` (``CONTAINER:PORT``), and no others. Idempotent.

        Raises:
            StageFailed: another project has one, another authority is in use, or Caddy does not
                start.
            PortTaken: something else has port 80 or 443.
        """
        front = _front_of(to)
        self.require(front, domains)
        info, before = self._ready(acme), self.routes()
        wanted = {f"{domain}@{to}" for domain in domains}
        # Also what a project that is gone has left.
        old = {f"{d}@{at}" for d, at in before.items() if _front_of(at) == front or d in domains}
        if wanted != old:
            with self.journal.effect("domain", " ".join(sorted(domains))):
                self.engine.put(info.id, {f"{FOLDER}/{name}": b"" for name in wanted - old})
                self._drop(info, old - wanted)

    def vouches(self, domain: str, limit: float) -> str:
        """What keeps it from having a certificate for ``domain``; empty when it has one. It gets
        one when it is asked, which may take ``limit`` seconds."""
        host, end = engine_host(self.engine.info().address), self.clock.monotonic() + limit
        while True:
            try:
                self.http.tls(host, 443, domain, limit)
            except HttpFailure as error:
                if self.clock.monotonic() > end:
                    return str(error)
            else:
                return ""
            self.clock.sleep(1.0, self.scope)

    def _ready(self, acme: Acme) -> ContainerInfo:
        """The container, as it should be, running."""
        chosen = self._chosen(acme)
        image = self._image()
        config = configuration(ca=chosen.ca, email=chosen.email, permission=_asks_permission(image))
        mark, info = fingerprint(config), self.found()
        if info and info.running and info.labels.get(MARK) == mark:
            return info
        with self.journal.effect("gate", NAME):
            if info is not None:
                self.engine.remove(info.id)
            made = self._make(image, mark, json.dumps(config, indent=1).encode())
        return self._await(made)

    def _chosen(self, acme: Acme) -> Acme:
        """Accounts and certificates are of one authority, so what the volume was made for holds."""
        with self.journal.effect("volume", NAME):
            volume = self.engine.create_volume(NAME, {**_OURS, ACME: acme.model_dump_json()})
        there = Acme.model_validate_json(volume.labels.get(ACME) or "{}")
        if acme not in (Acme(), there):
            raise StageFailed(
                f"the gate of this engine has its certificates from {there.ca or 'elsewhere'}",
                hint="`acme` is the same for all projects of an engine. To change it, take `domain`"
                f" out of all, run them, and `docker volume rm {NAME}`.",
            )
        return there

    def _image(self) -> ImageInfo:
        image = self.engine.image(IMAGE)
        if image is None:
            with self.journal.effect("pull", IMAGE):
                image = self.engine.pull(IMAGE, None, lambda line: None, self.scope)
        return image

    def _make(self, image: ImageInfo, mark: str, config: bytes) -> str:
        self.engine.create_network(NAME, _OURS)
        try:
            made = self.engine.create(_spec(image.id, mark))
        except EngineRefused:
            if (other := self.found()) is not None:  # another process was quicker
                return other.id
            raise
        self.engine.put(made, {CONFIG: config, f"{FOLDER}/.keep": b""})
        try:
            self.engine.start(made)
        except PortTaken:
            self.engine.remove(made)
            raise
        return made

    def _await(self, container: str) -> ContainerInfo:
        """Wait until it listens."""
        host, end = engine_host(self.engine.info().address), self.clock.monotonic() + LIMIT
        while True:
            info = self.engine.inspect(container)
            if info is None or not info.running or self.clock.monotonic() > end:
                raise StageFailed(
                    f"the gate does not listen; its container is {info.state if info else 'gone'}",
                    hint="The last lines of its log are below.",
                    detail=last_lines(self.engine, container) if info else "",
                )
            try:
                for port in PORTS:
                    self.http.tcp(host, port.host_port, 1.0)
            except HttpFailure:
                self.clock.sleep(0.05, self.scope)
            else:
                return info


def _front_of(to: str) -> str:
    """The container in ``CONTAINER:PORT``."""
    return to.rpartition(":")[0]


def _asks_permission(image: ImageInfo) -> bool:
    """Caddy's own images say their version; what does not is taken for an old one."""
    version = image.settings.environment.get("CADDY_VERSION", "v2.0").lstrip("v")
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    return (int(major), int(minor)) >= (2, 8) if major.isdigit() and minor.isdigit() else True


def _spec(image: str, mark: str) -> ContainerSpec:
    return ContainerSpec(
        image=image,
        name=NAME,
        command=("caddy", "run", "--config", CONFIG),
        environment={"GOMEMLIMIT": "200MiB", "XDG_DATA_HOME": "/data"},
        ports=PORTS,
        mounts=(Mount(kind="volume", source=NAME, target="/data"),),
        network=NAME,
        restart="always",
        cap_drop=("ALL",),
        cap_add=("NET_BIND_SERVICE",),
        security_opt=("no-new-privileges",),
        log_driver="json-file",
        log_options={"max-size": "10m", "max-file": "2"},
        labels={**_OURS, MARK: mark},
    )
