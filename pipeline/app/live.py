"""What is live, stopped and started by hand, and taken away."""

from __future__ import annotations

import os
from collections.abc import Callable

from pipeline.app.status import COMPOSE_SERVICE, serving_containers
from pipeline.app.workspace import Workspace
from pipeline.artifacts import Release
from pipeline.errors import NotFound
from pipeline.kit import data_volumes, in_place, notifying
from pipeline.kit.front import remove_fronts
from pipeline.kit.labels import select
from pipeline.kit.own_images import own_images, remove_own
from pipeline.kit.releases import Activation, Site, started_by_hand, switch_for, unprotect
from pipeline.kit.supervision import forget
from pipeline.kit.sweep import sweep
from pipeline.ports.engine import ContainerInfo
from pipeline.runner import StoreJournal, Unrecorded
from pipeline.scope import Scope


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
    remove_fronts(site.gate, site.project)
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
    done = remove_fronts(site.gate, project)
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
