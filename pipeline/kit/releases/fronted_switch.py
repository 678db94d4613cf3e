"""A release that is one container behind the project's front.

Its container publishes nothing: the front does, and passes requests on to the one that is live. So
two releases run side by side, and one file name in the front says which of them answers.
"""

from __future__ import annotations

from pipeline.artifacts import SINGLE, App, Release
from pipeline.errors import NotFound
from pipeline.kit.front import Front, behind, plan_of
from pipeline.kit.releases.container_switch import ContainerSwitch, recorded_spec
from pipeline.kit.releases.site import Site
from pipeline.ports.engine import ContainerInfo, ContainerSpec


def front_of(release: Release, site: Site) -> Front:
    """The front that the release is to be reached by."""
    ports = site.ports
    return Front(plan_of(release), ports.engine, ports.http, ports.clock, site.journal, site.scope)


class FrontedSwitch(ContainerSwitch):
    """See ``Fronted``; what the front does differently is here."""

    def front(self, release: Release) -> Front:
        return front_of(release, self._site)

    def prepare(self, release: Release) -> None:
        self.front(release).get_ready()
        super().prepare(release)

    def beside(self, release: Release, old: Release) -> None:
        self._start(release, recorded_spec(release).restart)

    def _start(self, release: Release, policy: str) -> None:
        try:
            super()._start(release, policy)
        except NotFound:
            # Its network was removed meanwhile, and another one of that name does not do.
            self.remove(release)
            super()._start(release, policy)

    def start(self, release: Release) -> None:
        super().start(release)
        self.front(release).serve(self.name(release))

    def stop(self, release: Release) -> None:
        self.front(release).remove()
        super().stop(release)

    def stop_behind(self, release: Release) -> None:
        super().stop(release)

    def retire(self, release: Release) -> None:
        self.stop_behind(release)

    def try_out(self, release: Release) -> None:
        super().try_out(release)
        self.front(release).serve(self.name(release), lasting=False)

    def give_way(self, release: Release) -> None:
        self.front(release).give_way()
        super().give_way(release)

    def is_up(self, release: Release) -> bool:
        return super().is_up(release) and not self.front(release).drift(self.name(release))

    def _inside(self, release: Release) -> tuple[int, ...]:
        return plan_of(release).listens

    def _spec(self, release: Release) -> ContainerSpec:
        return behind(super()._spec(release), plan_of(release))

    def _app(self, release: Release, info: ContainerInfo) -> App:
        return self.front(release).stand_in(super()._app(release, info), SINGLE)
