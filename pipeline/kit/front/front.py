"""The front of a project: a container of Caddy that passes requests on to the live release.

What it should be is said by the release in force; whatever differs is put right by ``serve``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from pipeline.artifacts import App
from pipeline.errors import EngineRefused, PortTaken, StageFailed
from pipeline.kit import reach
from pipeline.kit.caddy_image import caddy_image
from pipeline.kit.front.caddy import TRY_HEADER, configuration
from pipeline.kit.front.plan import CONFIG, FOLDER, FrontPlan
from pipeline.kit.gate import FRONTS, Gate, GateState
from pipeline.kit.labels import PROJECT, ROLE, labels
from pipeline.kit.readiness import last_lines
from pipeline.ports import Clock, Engine, Http, Journal
from pipeline.ports.engine import ContainerInfo, ContainerSpec, ExecResult
from pipeline.ports.http import HttpFailure
from pipeline.scope import Scope

MARK = "dockcycle.front"
"""Label: the mark of the plan that it was made by."""
LIMIT = 20.0
"""Seconds that Caddy may take until it listens."""
_QUICK = 20.0
"""Seconds for a command in its container."""


@dataclass(frozen=True)
class FrontState:
    """How the front of one project stands on an engine, by its plan."""

    plan: FrontPlan
    engine: Engine

    def found(self) -> ContainerInfo | None:
        """Its container.

        Raises:
            EngineRefused: the name is taken by one that dockcycle did not make.
        """
        info = self.engine.inspect(self.plan.name)
        if info is not None and not _is_front(info, self.plan.project):
            raise EngineRefused(
                f"a container that dockcycle did not make is called {self.plan.name}",
                hint=f"Remove or rename it: `docker rename {self.plan.name} NEW`.",
            )
        return info

    def drift(self, container: str) -> str:
        """What keeps it from passing requests on to ``container``; empty when nothing does."""
        info = self.found()
        if info is None:
            return "the front is gone"
        if not info.running:
            return f"the front is {info.state}"
        if info.labels.get(MARK) != self.plan.mark:
            return "the front is not that of the release"
        if (there := self._files()) != [container]:
            return f"the front leads to {', '.join(there) or 'nothing'}"
        if self.plan.domains:
            if FRONTS not in info.addresses:
                return "the gate does not reach the front"
            return GateState(self.engine).drift(self.plan.entries)
        return ""

    def _files(self) -> list[str]:
        return self._run(["ls", FOLDER]).output.split()

    def _run(self, argv: list[str]) -> ExecResult:
        return self.engine.exec(self.plan.name, argv, self._limit(argv[0]))

    def _limit(self, program: str) -> Scope:
        return Scope(_QUICK, what=f"`{program}` in the front")


@dataclass(frozen=True)
class Front(FrontState):
    """The front of one project, to be put right."""

    http: Http
    clock: Clock
    journal: Journal
    scope: Scope

    def stand_in(self, app: App, service: str) -> App:
        """``app`` with its service as users reach it: at the front, by its domain if it has one."""
        door = self.found()
        if door is None:
            return app
        plan, endpoints = self.plan, {}
        if at := self._gate.reached(plan.entries):
            endpoints[plan.domain_port] = at
        for port, published in reach.endpoints(door, self.engine.info().address).items():
            endpoints.setdefault(port, published)
        state = app.services[service].model_copy(update={"endpoints": endpoints})
        return app.model_copy(update={"services": {**app.services, service: state}})

    def trying(self, container: str) -> Mapping[str, str]:
        """Headers of a request that the front is to pass on to ``container``, live or not."""
        info = self.found()
        if info is None:
            raise StageFailed("the front is gone", hint="Is another tool cleaning up here?")
        return {TRY_HEADER: f"{info.id}/{container}"}

    def connections(self, container: str) -> int:
        """How many connections it has to a container now."""
        info = self.engine.inspect(container)
        address = info.addresses.get(self.plan.network, "") if info else ""
        if not address:
            return 0
        argv = ["grep", "-ci", f"{_as_kernel(address)}:[0-9A-F]* 01 ", "/proc/net/tcp"]
        count = self._run(argv).output.strip()
        return int(count) if count.isdigit() else 0

    # putting right

    def serve(self, container: str, *, lasting: bool = True) -> bool:
        """Pass requests on to ``container`` from now on. Idempotent; True when the front had to be
        made for that, False when it went on without a gap. ``lasting``: it comes back with the
        engine, as the plan says.

        Raises:
            PortTaken: something else has a port.
            RegistryUnavailable, NotFound: the engine has no Caddy and cannot get it.
            StageFailed: Caddy does not start.
        """
        made = self._lead_to(container, lasting=lasting)
        self._open_gate()
        return made

    def _lead_to(self, container: str, *, lasting: bool) -> bool:
        info, policy = self.found(), self.plan.restart if lasting else "no"
        if info and info.running and info.labels.get(MARK) == self.plan.mark:
            there = self._files()
            if len(there) == 1:
                self._swap(there[0], container)
                if info.restart != policy:
                    self.engine.set_restart(info.id, policy)
                return False
        self._make(info, container, policy)
        return True

    def _open_gate(self) -> None:
        """Have the plan's domains led here, and no others."""
        info = self.found()
        if info is None:
            return
        if self.plan.domains:
            self._gate.join(info.id)
            self._gate.lead(self.plan.project, self.plan.entries, self.plan.acme)
        elif FRONTS in info.addresses:
            self._gate.forget(self.plan.project)

    @property
    def _gate(self) -> Gate:
        return Gate(self.engine, self.http, self.clock, self.journal, self.scope)

    def give_way(self) -> None:
        """Free its ports. It comes back with the engine."""
        if (info := self.found()) is not None:
            with self.journal.effect("stop", info.name):
                self.engine.stop(info.id)

    def remove(self) -> None:
        """Take it away, once it has passed on the answers that are under way, and its domains."""
        self._remove()
        self._gate.forget(self.plan.project)

    def _remove(self) -> None:
        if (info := self.found()) is not None:
            with self.journal.effect("remove", info.name):
                self.engine.stop(info.id)
                self.engine.remove(info.id, volumes=True)

    def get_ready(self) -> None:
        """What can be done before anything else is touched: image and network."""
        caddy_image(self.engine, self.journal, self.scope)
        if self.plan.domains:
            self._gate.require(self.plan.project, self.plan.domains)
        if self.plan.owns_network:
            name = self.plan.network
            with self.journal.effect("network", name):
                self.engine.create_network(name, labels(self.plan.project, "front"))

    def _swap(self, old: str, new: str) -> None:
        if old != new:
            with self.journal.effect("route", new):
                done = self._run(["mv", f"{FOLDER}/{old}", f"{FOLDER}/{new}"])
            if done.exit_code != 0:
                raise StageFailed(
                    f"the front does not lead to {new}: {done.output.strip()}",
                    hint="Does something else change it? Run again.",
                )

    def _make(self, old: ContainerInfo | None, container: str, policy: str) -> None:
        self.get_ready()
        image = caddy_image(self.engine, self.journal, self.scope).id
        if old is not None:
            self._remove()
        with self.journal.effect("front", self.plan.name):
            made = self.engine.create(self._spec(image, policy))
            caddy = configuration(self.plan.listens, folder=FOLDER, token=made)
            config = json.dumps(caddy, indent=1).encode()
            self.engine.put(made, {CONFIG: config, f"{FOLDER}/{container}": b""})
            try:
                self.engine.start(made)
            except PortTaken:
                self.engine.remove(made, volumes=True)
                raise
        self._await(made)

    def _spec(self, image: str, policy: str) -> ContainerSpec:
        plan = self.plan
        return ContainerSpec(
            image=image,
            name=plan.name,
            command=("caddy", "run", "--config", CONFIG),
            environment={"GOMEMLIMIT": "200MiB"},
            ports=plan.ports,
            network=plan.network,
            aliases=plan.aliases,
            restart=policy,
            cap_drop=("ALL",),
            cap_add=("NET_BIND_SERVICE",),
            security_opt=("no-new-privileges",),
            log_driver="json-file",
            log_options={"max-size": "10m", "max-file": "2"},
            labels={**labels(plan.project, "front"), MARK: plan.mark},
        )

    def _await(self, container: str) -> None:
        """Wait until it listens on all ports."""
        address, end = self.engine.info().address, self.clock.monotonic() + LIMIT
        while True:
            info = self.engine.inspect(container)
            if info is None or not info.running or self.clock.monotonic() > end:
                state = info.state if info else "gone"
                raise StageFailed(
                    f"the front does not listen; its container {self.plan.name} is {state}",
                    hint="The last lines of its log are below.",
                    detail=last_lines(self.engine, container) if info else "",
                )
            if self._listens(info, address):
                return
            self.clock.sleep(0.05, self.scope)

    def _listens(self, info: ContainerInfo, address: str) -> bool:
        try:
            for endpoint in reach.endpoints(info, address).values():
                self.http.tcp(endpoint.host, endpoint.port, 1.0)
        except HttpFailure:
            return False
        return True

    def _limit(self, program: str) -> Scope:
        return self.scope.child(_QUICK, what=f"`{program}` in the front")


def fronts(engine: Engine, project: str) -> list[ContainerInfo]:
    """Containers of the project's front: one, or none."""
    return engine.containers({PROJECT: project, ROLE: "front"})


def remove_fronts(gate: Gate, project: str) -> list[str]:
    """Remove the project's front and what leads to it; what was done, for people.

    Raises:
        Locked: others have been making or removing the gate for too long.
    """
    done: list[str] = []
    for front in fronts(gate.engine, project):
        gate.engine.stop(front.id)
        gate.engine.remove(front.id, volumes=True)
        done.append(f"removed {front.name}")
    return [*done, *gate.forget(project)]


def remove_networks(engine: Engine, project: str) -> None:
    """Remove the front's own network, unless somebody else has a container in it."""
    for network in engine.networks({PROJECT: project, ROLE: "front"}):
        with suppress(EngineRefused):
            engine.remove_network(network.name)


def _is_front(info: ContainerInfo, project: str) -> bool:
    return info.labels.get(ROLE) == "front" and info.labels.get(PROJECT) == project


def _as_kernel(address: str) -> str:
    """An IPv4 address as /proc/net/tcp has it on a little-endian machine: 172.19.0.2 is
    ``020013AC``."""
    return "".join(f"{int(part):02X}" for part in reversed(address.split(".")))
