"""What a release in force should look like on the engine, service by service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from pipeline.artifacts import SINGLE, Release
from pipeline.errors import EngineRefused
from pipeline.kit.compose_model import Service, one_shots, services
from pipeline.kit.gate import GateState
from pipeline.kit.observer import project_containers, wanted_services
from pipeline.kit.releases.container_switch import ContainerSwitch, recorded_spec
from pipeline.kit.releases.kinds import fronted_for
from pipeline.kit.releases.site import Site
from pipeline.ports.compose import Model
from pipeline.ports.engine import ContainerInfo

STARTED = "service_started"
FRONT, GATE = "front", "gate"
"""What the front, and the gate before it, are called where they are looked at beside the services.
"""


@dataclass(frozen=True)
class Dependency:
    """Another service that must be well first. ``restart``: when it was started again, so is the
    one that depends on it."""

    service: str
    condition: str = STARTED
    restart: bool = False


@dataclass(frozen=True)
class Wanted:
    """One service as its release records it."""

    service: str
    image: str
    """Image id; empty if it is not recorded."""
    restart: str
    """Restart policy."""
    count: int = 1
    may_end: bool = False
    depends_on: tuple[Dependency, ...] = ()


@dataclass(frozen=True)
class Seen:
    """A service as it should be, and its containers as they are."""

    wanted: Wanted
    containers: tuple[ContainerInfo, ...] = ()
    drift: str = ""
    """What is wrong although they run."""


def look(site: Site, release: Release) -> list[Seen]:
    """All services of ``release``, each after those that it depends on, its front and the gate."""
    if release.kind == "compose":
        found = project_containers(site.engine, site.project)
        seen = [Seen(one, tuple(found.get(one.service, ()))) for one in of_model(release)]
    else:
        info = site.engine.inspect(ContainerSwitch(site).name(release))
        wanted = Wanted(SINGLE, release.images.get(SINGLE, ""), recorded_spec(release).restart)
        seen = [Seen(wanted, (info,) if info else ())]
    if has_front(release):
        seen.append(_front(site, release))
    if has_gate(release):
        info = GateState(site.engine).found()
        seen.append(Seen(Wanted(GATE, "", "always"), (info,) if info else ()))
    return seen


def has_front(release: Release) -> bool:
    """Is it behind a front that is known by that name?"""
    return release.handover is not None and FRONT not in services(release.spec)


def has_gate(release: Release) -> bool:
    """Does it serve at domains, by the gate of the engine?"""
    return bool(release.handover and release.handover.domains) and GATE not in services(
        release.spec
    )


def _front(site: Site, release: Release) -> Seen:
    switch = fronted_for(release, site)
    front, behind = switch.front(release), switch.container(release)
    wanted = Wanted(FRONT, "", front.plan.restart)
    try:
        info = front.found()
        drift = front.drift(behind.name) if info and info.running and behind else ""
    except EngineRefused:  # by its name, or as it is just ending: the repair says what it is
        return Seen(wanted)
    return Seen(wanted, (info,) if info else (), drift)


def of_model(release: Release) -> list[Wanted]:
    """The services of a Compose release, each after those that it depends on."""
    model, running = release.spec, wanted_services(release.spec)
    short = one_shots(model)
    return [
        Wanted(
            service=name,
            image=release.images.get(name, ""),
            restart=_policy(services(model)[name], short=name in short),
            count=_count(services(model)[name]),
            may_end=name in short,
            depends_on=tuple(
                Dependency(other, str(how.get("condition") or STARTED), bool(how.get("restart")))
                for other, how in _depends(services(model)[name]).items()
                if other in running
            ),
        )
        for name in _ordered(model)
        if name in running
    ]


def _ordered(model: Model) -> list[str]:
    graph = {name: list(_depends(service)) for name, service in services(model).items()}
    return [name for name in TopologicalSorter(graph).static_order() if name in graph]


def _depends(service: Service) -> Mapping[str, Mapping[str, object]]:
    return service.get("depends_on") or {}


def _policy(service: Service, *, short: bool) -> str:
    """As ``ComposeSwitch`` starts it."""
    return service.get("restart") or ("no" if short else "unless-stopped")


def _count(service: Service) -> int:
    replicas = (service.get("deploy") or {}).get("replicas")
    return int(service.get("scale") or replicas or 1)
