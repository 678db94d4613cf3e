"""What is live: looking at it, bringing an earlier release back, stopping and starting it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.app.workspace import Workspace
from pipeline.artifacts import SINGLE, Release
from pipeline.errors import EngineUnavailable, NotFound
from pipeline.kit import data_volumes, in_place, notifying
from pipeline.kit.compose_model import one_shots
from pipeline.kit.front import FrontState, fronts, plan_of
from pipeline.kit.labels import ROLE, SERVICE, select
from pipeline.kit.observer import wanted_services
from pipeline.kit.own_images import own_images, remove_own
from pipeline.kit.publish import browse_url
from pipeline.kit.releases import (
    Activation,
    Ledger,
    Site,
    started_by_hand,
    switch_for,
    unprotect,
)
from pipeline.kit.supervision import FRONT, Note, forget, standing
from pipeline.kit.sweep import sweep
from pipeline.ports import Engine
from pipeline.ports.engine import ContainerInfo, Port
from pipeline.runner import StoreJournal, Unrecorded
from pipeline.scope import Scope
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


def site_of(
    workspace: Workspace,
    *,
    run: str = "",
    scope: Scope | None = None,
    tell: Callable[[str], None] = lambda line: None,
    log: Callable[[str], None] = lambda line: None,
) -> Site:
    """The engine that serves the project, for a command."""
    return Site(
        project=workspace.head.name,
        ports=workspace.ports,
        journal=Unrecorded() if not run else StoreJournal(workspace.store, run, "operate"),
        scope=scope or Scope(120, what="the command"),
        run=run,
        client=workspace.home.client(),
        expand=workspace.secrets.expand,
        tell=tell,
        log=log,
        where=workspace.engine,
    )


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
    return found


def stop(workspace: Workspace, site: Site) -> list[str]:
    """Stop what serves, for good: neither an engine restart nor a supervisor starts it again."""
    return _each(workspace, site, "stopped", lambda c: site.engine.stop(c.id))


def kill(workspace: Workspace, site: Site, signal: str) -> list[str]:
    """As ``stop``, but by a signal at once."""
    return _each(workspace, site, "killed", lambda c: site.engine.kill(c.id, signal))


def _each(
    workspace: Workspace, site: Site, word: str, act: Callable[[ContainerInfo], None]
) -> list[str]:
    current = site.ledger.current()
    if current:
        # The record first: a command that dies half way has still said what is wanted.
        _activate(site, current.release, "stopped", "stop")
    for front in fronts(site.engine, site.project):
        site.engine.stop(front.id)
        site.engine.remove(front.id, volumes=True)
    # Last started, first stopped: no service loses what it depends on while it still works.
    containers = sorted(_some(workspace, current), key=lambda c: c.started, reverse=True)
    for container in containers:
        if current is None or current.release.kind == "container":
            site.engine.set_restart(container.id, "no")
        if container.running:
            act(container)
    return [f"{word} {container.name}" for container in containers]


def start(workspace: Workspace, site: Site) -> list[str]:
    """Start what was stopped, and wait until it is up."""
    current = site.ledger.current()
    if current is None:
        containers = _some(workspace, current)
        for container in containers:
            site.engine.start(container.id)
        return [f"started {container.name}" for container in containers]
    forget(site.engine, site.project)
    switch = switch_for(current.release, site)
    switch.start(current.release)
    switch.wait(current.release)
    if current.state != "live":
        _activate(site, current.release, "live", "start")
    return [f"{current.release.id} is up" + (f" at {u}" if (u := current.release.url) else "")]


def restart(workspace: Workspace, site: Site) -> list[str]:
    """Stop and start, and wait until it is up."""
    current = site.ledger.current()
    containers = _some(workspace, current)
    for container in containers:
        if container.running or current is None:
            site.engine.restart(container.id)
    return start(workspace, site) if current else [f"restarted {c.name}" for c in containers]


def remove(workspace: Workspace, site: Site) -> list[str]:
    """Remove what serves; its releases stay and can come back with ``start`` or ``rollback``."""
    current = site.ledger.current()
    done = stop(workspace, site)
    if current:
        switch_for(current.release, site).remove(current.release)
    else:
        for container in _some(workspace, current):
            site.engine.remove(container.id, volumes=True)
    return [line.replace("stopped", "removed", 1) for line in done]


def down(workspace: Workspace, site: Site, *, volumes: bool) -> list[str]:
    """Remove everything of the project from the engine: what serves, candidates, releases, their
    images and networks; named volumes with data only if asked."""
    project = workspace.head.name
    current = site.ledger.current()
    kept = site.ledger.releases()
    if current and current.state == "live":
        _activate(site, current.release, "stopped", "down")
    done: list[str] = []
    for front in fronts(site.engine, project):
        site.engine.remove(front.id, volumes=True)
        done.append(f"removed {front.name}")
    if any(release.kind == "compose" for release in kept) or _compose_in_place(workspace):
        site.compose.down(None, project=project, volumes=volumes, on_line=site.log,
                          scope=site.scope)  # fmt: skip
        done.append(f"removed the Compose project {project}")
    strangers = started_by_hand(site.engine, project)
    for container in site.engine.containers(select(project)):
        if container not in strangers:
            site.engine.remove(container.id, volumes=True)
            done.append(f"removed {container.name}")
    swept = sweep(site.engine, project, client=None)
    done += [f"removed {kind} {name}" for kind, name in swept.items]
    if volumes:
        done += [f"removed volume {name}" for name in data_volumes.erase(site.engine, project)]
    for release in kept:
        unprotect(site, release)
        done.append(f"forgot {release.id}")
    forget(site.engine, project)
    notifying.forget(site.engine, project)
    site.ledger.erase()  # last, so that what a killed one has left can be found again
    in_place.forget(site.engine, project, journal=site.journal)
    for image in own_images(site.engine, project):
        if all(container.image != image.id for container in strangers):
            remove_own(site.engine, image, project)
    for network in site.engine.networks(select(project)):
        site.engine.remove_network(network.name)
    return done


def _compose_in_place(workspace: Workspace) -> bool:
    found = workspace.ports.engine.containers(select(workspace.head.name, "in-place"))
    return any(COMPOSE_SERVICE in container.labels for container in found)


def _activate(site: Site, release: Release, state: str, reason: str) -> None:
    site.ledger.activate(
        release,
        state="stopped" if state == "stopped" else "live",
        reason=reason,
        run=f"command-{os.getpid()}",
        client=site.client,
        journal=site.journal,
    )


def _some(workspace: Workspace, current: Activation | None) -> list[ContainerInfo]:
    containers = serving_containers(workspace, current)
    if not containers and current is None:
        raise NotFound(
            f"nothing of {workspace.head.name} is on this engine",
            hint="`dockcycle run` brings it there.",
        )
    return containers


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
