"""A release that is one container.

A retired release *is* its stopped container: same image, same environment, same id. Bringing it
back needs no registry, no secret and no pipeline file.
"""

from __future__ import annotations

from pipeline.artifacts import SINGLE, App, Release, ServiceState
from pipeline.errors import NotFound, StageFailed
from pipeline.kit import container_spec, data_volumes, reach
from pipeline.kit.front import fronts
from pipeline.kit.ports_free import require_free
from pipeline.kit.readiness import Expected, Waiting
from pipeline.kit.releases.site import Site
from pipeline.ports.engine import ContainerInfo, ContainerSpec


class ContainerSwitch:
    """See ``Switch``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._engine = site.engine

    def check(self, release: Release, old: Release | None) -> None:
        site = self._site
        if self.container(release) is None and self._engine.image(release.images[SINGLE]) is None:
            raise NotFound(
                f"the image of {release.id} is no longer on the engine",
                hint=_where_from(release),
            )
        if old and old.kind == "compose":
            return  # its ports are Compose's to free
        allowed = {self.name(one) for one in (release, old) if one}
        allowed |= {front.name for front in fronts(self._engine, site.project)}
        require_free(
            recorded_spec(release).ports,
            engine=self._engine,
            http=site.ports.http,
            allowed=allowed,
        )

    def prepare(self, release: Release) -> None:
        if self.container(release) is not None:
            return
        spec = container_spec.as_live(
            self._spec(release),
            name=self.name(release),
            labels=self._site.labels("live", release, SINGLE),
        )
        site = self._site
        data_volumes.ensure(
            self._engine, spec, data_volumes.data_labels(site.project), journal=site.journal
        )
        with site.journal.effect("container", spec.name):
            self._engine.create(container_spec.with_secrets(spec, site.expand))

    def clear(self, release: Release) -> None:
        if self.container(release) is not None:
            self.remove(release)

    def start(self, release: Release) -> None:
        self._start(release, recorded_spec(release).restart)

    def stop(self, release: Release) -> None:
        self._stop(release, "no")

    def try_out(self, release: Release) -> None:
        self._start(release, "no")

    def give_way(self, release: Release) -> None:
        # Stopped by us, only "always" would bring it back.
        own = recorded_spec(release).restart
        self._stop(release, "always" if own == "unless-stopped" else own)

    def retire(self, release: Release) -> None:
        self.stop(release)

    def _start(self, release: Release, policy: str) -> None:
        self.prepare(release)
        name = self.name(release)
        with self._site.journal.effect("start", name):
            self._engine.set_restart(name, policy)
            self._engine.start(name)

    def _stop(self, release: Release, policy: str) -> None:
        found = self.container(release)
        if found is None:
            return
        with self._site.journal.effect("stop", found.name):
            self._engine.set_restart(found.id, policy)
            self._engine.stop(found.id)

    def look(self, release: Release) -> App:
        info = self.container(release)
        if info is None:
            raise StageFailed(f"the container of {release.id} is gone")
        return self._app(release, info)

    def wait(self, release: Release) -> App:
        site, address = self._site, self._engine.info().address
        expected = Expected(
            self.name(release),
            SINGLE,
            memory=recorded_spec(release).memory,
            endpoints=lambda info: reach.endpoints(info, address, self._inside(release)).values(),
        )
        waiting = Waiting(self._engine, site.ports.http, site.ports.clock)
        states = waiting.until_up([expected], site.scope, site.tell)
        return self._app(release, states[expected.container])

    def _app(self, release: Release, info: ContainerInfo) -> App:
        address = self._engine.info().address
        state = ServiceState(
            container=info.id,
            name=info.name,
            image=info.image,
            endpoints=reach.endpoints(info, address),
        )
        return App(
            kind="container",
            services={SINGLE: state},
            spec=release.spec,
            environment=release.environment,
            url=release.url,
        )

    def is_up(self, release: Release) -> bool:
        found = self.container(release)
        return found is not None and found.running and found.health != "unhealthy"

    def runs(self, release: Release) -> bool:
        found = self.container(release)
        return found is not None and found.state in ("running", "restarting", "paused")

    def remove(self, release: Release) -> None:
        with self._site.journal.effect("remove", self.name(release)):
            self._engine.remove(self.name(release), volumes=True)

    def name(self, release: Release) -> str:
        """Of the release's container."""
        return f"{release.project}-{release.id}"

    def _inside(self, release: Release) -> tuple[int, ...]:
        """Ports that are reached at the container's own address only."""
        return ()

    def _spec(self, release: Release) -> ContainerSpec:
        """What its container is made from."""
        return recorded_spec(release)

    def container(self, release: Release) -> ContainerInfo | None:
        """The release's container, if it is there."""
        return self._engine.inspect(self.name(release))


def recorded_spec(release: Release) -> ContainerSpec:
    """What the release's record says of its container, ports and all."""
    return ContainerSpec.model_validate(release.spec)


def _where_from(release: Release) -> str:
    for digests in release.digests.values():
        for digest in digests:
            return f"It was pushed as {digest}: `docker pull {digest}` brings it back."
    return "It was never pushed; `dockcycle run` at its commit builds it again."
