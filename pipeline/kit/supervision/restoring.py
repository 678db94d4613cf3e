"""Making a container of the release in force again, from its record."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.artifacts import Release
from pipeline.errors import EngineRefused, NotFound, UsageError
from pipeline.kit import compose_variants, container_spec, secret_refs
from pipeline.kit.labels import PROJECT, RELEASE, ROLE, select
from pipeline.kit.own_project import require_own_project
from pipeline.kit.releases.compose_switch import ComposeSwitch
from pipeline.kit.releases.container_switch import recorded_spec
from pipeline.kit.releases.kinds import fronted_for, switch_for
from pipeline.kit.releases.routed_switch import RoutedSwitch
from pipeline.kit.releases.site import Site
from pipeline.kit.supervision.wanted import FRONT, GATE, has_front, has_gate
from pipeline.ports.engine import ContainerInfo


class BeyondRepair(NotFound):
    """What would be needed is not at hand, and trying again will not bring it."""


def restore(site: Site, release: Release, services: Sequence[str]) -> None:
    """Put the recorded containers of ``services`` in the place of what is, or is not, there.

    Raises:
        BeyondRepair: the image, a secret or the name cannot be had.
    """
    if (has_front(release) and FRONT in services) or (has_gate(release) and GATE in services):
        switch = fronted_for(release, site)
        switch.front(release).serve(switch.name(release))
        return
    _require_images(site, release, services)
    _require_secrets(site, release)
    if release.kind == "compose":
        _restore_services(site, release, services)
    else:
        _restore_container(site, release)


def _restore_container(site: Site, release: Release) -> None:
    switch = switch_for(release, site)
    there = site.engine.inspect(f"{release.project}-{release.id}")
    if there is not None:
        if not _is_of(there, site.project, release):
            raise BeyondRepair(
                f"the name {there.name} is taken by a container that dockcycle did not make",
                hint=f"Remove it (`docker rm -f {there.name}`) or give it another name.",
            )
        site.engine.remove(there.id, volumes=True)
    switch.start(release)


def _is_of(info: ContainerInfo, project: str, release: Release) -> bool:
    wanted = {**select(project, "live"), RELEASE: release.id}
    return all(info.labels.get(key) == wanted[key] for key in (PROJECT, ROLE, RELEASE))


def _restore_services(site: Site, release: Release, services: Sequence[str]) -> None:
    try:
        require_own_project(site.engine, site.project)
    except EngineRefused as error:
        raise BeyondRepair(error.message, hint=error.hint) from error
    switch = RoutedSwitch(site) if release.handover else ComposeSwitch(site)
    model = switch.model(release)
    site.compose.up(
        compose_variants.with_secrets(model, site.expand),
        project=site.project,
        services=services,
        pull=False,
        on_line=site.log,
        scope=site.scope,
    )


def _require_images(site: Site, release: Release, services: Sequence[str]) -> None:
    for service in services:
        image = release.images.get(service)
        if image and site.engine.image(image) is None:
            raise BeyondRepair(
                f"the image of {service} in {release.id} is no longer on the engine",
                hint="Pull it by its digest, or run the pipeline at the release's commit.",
            )


def _require_secrets(site: Site, release: Release) -> None:
    """Its secrets, if it has any, are at hand and are those that it was started with."""
    if not secret_refs.names(str(release.spec)):
        return
    try:
        found = (
            compose_variants.environment(release.spec, site.expand)
            if release.kind == "compose"
            else container_spec.environment(recorded_spec(release), site.expand)
        )
    except UsageError as error:
        raise BeyondRepair(
            f"its container is gone, and with it a secret that only a run knows: {error.message}",
            hint="`dockcycle start`, where the pipeline file and its secrets are, brings it back.",
        ) from error
    if release.environment and found != release.environment:
        raise BeyondRepair(
            "its container is gone, and a secret here is not the one that it was started with",
            hint="`dockcycle start`, where the pipeline file and its secrets are, brings it back.",
        )
