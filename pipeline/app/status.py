"""How a project stands on the engines that serve it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.app.workspace import Workspace
from pipeline.artifacts import SINGLE, Release
from pipeline.errors import EngineUnavailable
from pipeline.kit.compose_model import one_shots
from pipeline.kit.front import FrontState, plan_of
from pipeline.kit.labels import ROLE, SERVICE, select
from pipeline.kit.observer import wanted_services
from pipeline.kit.publish import browse_url
from pipeline.kit.releases import Activation, Ledger
from pipeline.kit.supervision import FRONT, Note, standing
from pipeline.ports import Engine
from pipeline.ports.engine import ContainerInfo, Port
from pipeline.store import ProjectLock

COMPOSE_SERVICE = "com.docker.compose.service"
SERVING = ("live", "in-place")


@dataclass(frozen=True)
class ServiceStatus:
    """One container that serves, or should."""

    service: str
    container: str
    state: str
    health: str
    since: str
    restarts: int
    image: str
    drift: str = ""
    """How it differs from the release's record; empty when it does not."""
    trouble: str = ""
    """What a supervisor has to say: why it does not repair it any more, or who stopped it."""
    ports: tuple[str, ...] = ()
    release: str = ""
    commit: str = ""
    digest: str = ""
    """What it was pushed as, ``repository@sha256:…``, the first of several."""
    url: str = ""


@dataclass(frozen=True)
class Status:
    """A project on its engine, now. ``state`` is ``live``, ``stopped``, ``in place``, ``degraded``
    or ``absent``; of one among several engines also ``unreachable``."""

    project: str
    state: str
    release: str = ""
    commit: str = ""
    url: str = ""
    since: str = ""
    digests: tuple[str, ...] = ()
    services: tuple[ServiceStatus, ...] = ()
    releases: tuple[str, ...] = ()
    """Ids of those that can come back, newest first."""
    running: str = ""
    """Who holds the project's lock."""
    engine: str = ""
    """The engine, as pipeline.yml names it; empty for the one that builds."""
    trouble: str = ""
    """Why it is ``unreachable``."""


def status(workspace: Workspace) -> Status:
    """How the project stands on the engine that the workspace looks at."""
    found = look(workspace.head.name, workspace.ports.engine, workspace.lock)
    return replace(found, engine=workspace.engine)


def statuses(workspace: Workspace, engine: str | None = None) -> list[Status]:
    """How the project stands on each engine that serves it, or on that one.

    Raises:
        EngineUnavailable: there is one, and it does not answer. Of several that one is
            ``unreachable``.
    """
    places = workspace.serving(engine)
    if len(places) == 1:
        return [status(places[0])]
    return [_status_or_not(place) for place in places]


def _status_or_not(workspace: Workspace) -> Status:
    try:
        return status(workspace)
    except EngineUnavailable as error:
        return Status(workspace.head.name, "unreachable", engine=workspace.engine,
                      trouble=error.message)  # fmt: skip


def look(project: str, engine: Engine, lock: ProjectLock) -> Status:
    """As ``status``, for who has no pipeline file at hand."""
    ledger = Ledger(engine, project)
    current = ledger.current()
    holder = lock.holder()
    release = current.release if current else None
    containers = _serving(engine, project, current)
    notes = standing(engine, project, current)
    services = tuple(_service(container, release, notes) for container in containers)
    if release and release.handover:
        services = _behind_front(engine, release, services, notes.get(FRONT))
    services += _absent(current, {service.service for service in services}, notes)
    return Status(
        project=project,
        state=_state(current, services),
        release=release.id if release else "",
        commit=(release.commit or "") if release else "",
        url=release.url if release else _url(containers),
        since=current.created if current else "",
        digests=tuple(d for ds in release.digests.values() for d in ds) if release else (),
        services=services,
        releases=tuple(kept.id for kept in ledger.releases()),
        running=str(holder) if holder else "",
    )


def _url(containers: Sequence[ContainerInfo]) -> str:
    """Of an app in place: its first published port."""
    return browse_url([port for container in containers for port in container.ports])


def _behind_front(
    engine: Engine, release: Release, services: Sequence[ServiceStatus], note: Note | None
) -> tuple[ServiceStatus, ...]:
    """With the ports that the front publishes in their place, and what is wrong with it."""
    trouble = f"the front: {note.reason}" if note else ""
    front = FrontState(plan_of(release), engine)
    info = front.found()
    ports = _ports(info.ports if info else ())
    routed = release.handover.service if release.handover else ""
    return tuple(
        replace(
            one, ports=ports, drift=one.drift or front.drift(one.container),
            trouble=one.trouble or trouble,
        )
        if one.service == (routed or SINGLE)
        else one
        for one in services
    )  # fmt: skip


def serving_containers(workspace: Workspace, current: Activation | None) -> list[ContainerInfo]:
    """Containers of the release in force, or those of the app in place."""
    return _serving(workspace.ports.engine, workspace.head.name, current)


def _serving(engine: Engine, project: str, current: Activation | None) -> list[ContainerInfo]:
    found = [c for c in engine.containers(select(project)) if c.labels.get(ROLE) in SERVING]
    if current and current.release.kind == "container":
        name = f"{project}-{current.release.id}"
        return [c for c in found if c.name == name]
    return [c for c in found if current is None or COMPOSE_SERVICE in c.labels]


def _state(current: Activation | None, services: Sequence[ServiceStatus]) -> str:
    if current is None:
        return "in place" if services else "absent"
    if current.state == "stopped":
        return "stopped"
    if not services or any(_is_sick(service) for service in services):
        return "degraded"
    return "live"


def _is_sick(service: ServiceStatus) -> bool:
    if service.drift or service.trouble:
        return True
    if service.state == "exited (0)":
        return False
    return service.state != "running" or service.health == "unhealthy"


def _absent(
    current: Activation | None, there: Collection[str], notes: Mapping[str, Note]
) -> tuple[ServiceStatus, ...]:
    """Services that should run and have no container."""
    if current is None or current.state == "stopped":
        return ()
    release = current.release
    names = [SINGLE]
    if release.kind == "compose":
        short = one_shots(release.spec)
        names = [name for name in wanted_services(release.spec) if name not in short]
    return tuple(
        ServiceStatus(
            service=name, container="", state="gone", health="none", since="", restarts=0,
            image=release.images.get(name, ""),
            trouble=notes[name].reason if name in notes else "",
        )
        for name in names
        if name not in there
    )  # fmt: skip


def _service(
    container: ContainerInfo, release: Release | None, notes: Mapping[str, Note]
) -> ServiceStatus:
    service = container.labels.get(COMPOSE_SERVICE) or container.labels.get(SERVICE) or SINGLE
    recorded = release.images.get(service) if release else None
    drift = (
        f"runs {container.image[:19]}, the release has {recorded[:19]}"
        if recorded and recorded != container.image
        else ""
    )
    state = container.state
    return ServiceStatus(
        service=service,
        container=container.name,
        state=f"exited ({container.exit_code})" if state == "exited" else state,
        health=container.health,
        since=container.started,
        restarts=container.restarts,
        image=container.image,
        drift=drift,
        trouble=notes[service].reason if service in notes else "",
        ports=_ports(container.ports),
        release=release.id if release else "",
        commit=(release.commit or "") if release else "",
        digest=next(iter(release.digests.get(service, ())), "") if release else "",
        url=_url_of(service, container, release),
    )


def _url_of(service: str, container: ContainerInfo, release: Release | None) -> str:
    if release and service == release.main:
        return release.url
    return browse_url(container.ports)


def _ports(ports: Iterable[Port]) -> tuple[str, ...]:
    return tuple(f"{p.host_ip or '*'}:{p.host_port}->{p.container}/{p.protocol}" for p in ports)
