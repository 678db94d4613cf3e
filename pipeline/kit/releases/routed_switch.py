"""A release that is a Compose project with one service behind the project's front.

The other services are updated in place, as Compose does. Of the routed one a second container is
started beside the first; the front leads to the one or the other, and the old one is removed.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.artifacts import App, Release
from pipeline.errors import StageFailed
from pipeline.kit import compose_variants
from pipeline.kit.compose_model import services
from pipeline.kit.front import Front
from pipeline.kit.hashing import fingerprint
from pipeline.kit.releases.compose_switch import COMPOSE_NUMBER, COMPOSE_SERVICE, ComposeSwitch
from pipeline.kit.releases.fronted_switch import front_of
from pipeline.ports.compose import Model
from pipeline.ports.engine import ContainerInfo

VERSION = "dockcycle.version"
"""Label of containers of a routed service: which definition, image and environment they have."""


class RoutedSwitch(ComposeSwitch):
    """See ``Fronted``."""

    def front(self, release: Release) -> Front:
        return front_of(release, self._site)

    def name(self, release: Release) -> str:
        found = self.container(release)
        if found is None:
            raise StageFailed(f"the container of {_routed(release)} in {release.id} is gone")
        return found.name

    def container(self, release: Release) -> ContainerInfo | None:
        return next(iter(self._mine(release)), None)

    def check(self, release: Release, old: Release | None) -> None:
        super().check(release, old)
        if old is None or old.kind == "compose":
            self._require_free(self.front(release).plan.ports)

    def prepare(self, release: Release) -> None:
        self.front(release).get_ready()

    def clear(self, release: Release) -> None:
        """What such an attempt has started is told apart by its version; see ``start``."""

    def beside(self, release: Release, old: Release) -> None:
        site, service = self._site, _routed(release)
        self._up(_with_service_of(self.model(release), self.model(old), service))
        if self._mine(release):
            return  # nothing about it has changed
        with site.journal.effect("compose", f"{site.project} {service}"):
            site.compose.up(
                compose_variants.with_secrets(self.model(release), site.expand),
                project=site.project,
                count={service: len(self._containers_of(service)) + 1},
                pull=False,
                on_line=site.log,
                scope=site.scope,
            )

    def start(self, release: Release) -> None:
        mine = self._mine(release)
        if any(container.running for container in mine):
            self.front(release).serve(mine[0].name)
        if mine:
            self._remove_others(release)
        super().start(release)
        self.front(release).serve(self.name(release))

    def stop(self, release: Release) -> None:
        self.front(release).remove()
        super().stop(release)

    def stop_behind(self, release: Release) -> None:
        super().stop(release)

    def retire(self, release: Release) -> None:
        """Remove its container of the routed service, unless that is the one in force, too."""
        current = self._site.ledger.current()
        routed = current and current.release.kind == "compose" and current.release.handover
        version = self._version(current.release) if current and routed else ""
        for container in self._mine(release):
            if container.labels.get(VERSION) != version:
                self._remove(container)

    def try_out(self, release: Release) -> None:
        super().start(release)
        self.front(release).serve(self.name(release), lasting=False)

    def give_way(self, release: Release) -> None:
        self.front(release).give_way()
        super().give_way(release)

    def is_up(self, release: Release) -> bool:
        found = self.container(release)
        return (
            found is not None
            and len(self._containers_of(_routed(release))) == 1
            and super().is_up(release)
            and not self.front(release).drift(found.name)
        )

    def remove(self, release: Release) -> None:
        self.front(release).remove()
        super().remove(release)

    def model(self, release: Release) -> Model:
        """As of any Compose release, but containers of the routed service say which one they are
        of."""
        model, service = super().model(release), _routed(release)
        routed = services(model)[service]
        labels = {**routed["labels"], VERSION: self._version(release)}
        changed = {**services(model), service: {**routed, "labels": labels}}
        return {**model, "services": changed}

    def _version(self, release: Release) -> str:
        service = _routed(release)
        definition = services(super().model(release))[service]
        return fingerprint(definition, release.environment)[:16]

    def _up(self, model: Model) -> None:
        site = self._site
        with site.journal.effect("compose", site.project):
            site.compose.up(
                compose_variants.with_secrets(model, site.expand),
                project=site.project,
                pull=False,
                remove_orphans=True,
                on_line=site.log,
                scope=site.scope,
            )

    def _all(self, release: Release) -> dict[str, ContainerInfo]:
        found, mine = super()._all(release), self.container(release)
        return {**found, _routed(release): mine} if mine else found

    def _app(self, release: Release, containers: Mapping[str, ContainerInfo]) -> App:
        return self.front(release).stand_in(super()._app(release, containers), _routed(release))

    def _mine(self, release: Release) -> list[ContainerInfo]:
        """Containers of the routed service as the release has it; those that run, newest, first."""
        version = self._version(release)
        found = [
            container
            for container in self._containers_of(_routed(release))
            if container.labels.get(VERSION) == version
        ]
        return sorted(found, key=lambda c: (c.running, _number(c)), reverse=True)

    def _containers_of(self, service: str) -> list[ContainerInfo]:
        return [c for c in self._containers() if c.labels.get(COMPOSE_SERVICE) == service]

    def _remove_others(self, release: Release) -> None:
        keep = self.name(release)
        for container in self._containers_of(_routed(release)):
            if container.name != keep:
                self._remove(container)

    def _remove(self, container: ContainerInfo) -> None:
        with self._site.journal.effect("remove", container.name):
            self._engine.stop(container.id)
            self._engine.remove(container.id, volumes=True)


def _routed(release: Release) -> str:
    return release.handover.service if release.handover else release.main


def _with_service_of(new: Model, old: Model, service: str) -> Model:
    """The new project with one service as it was, and whatever that needs."""
    kept = {service: services(old)[service]} if service in services(old) else {}
    shared = {
        key: {**(old.get(key) or {}), **(new.get(key) or {})}
        for key in ("networks", "volumes", "configs", "secrets")
        if old.get(key) or new.get(key)
    }
    return {**new, **shared, "services": {**services(new), **kept}}


def _number(container: ContainerInfo) -> int:
    return int(container.labels.get(COMPOSE_NUMBER, "1"))
