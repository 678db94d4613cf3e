"""A release that is a Compose project: one live project, brought to the images of a release.

Compose itself replaces what changed and leaves the rest, so services whose image and definition
stay the same, databases above all, go on running.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.artifacts import App, Release, ServiceState
from pipeline.errors import NotFound, StageFailed
from pipeline.kit import compose_variants, reach
from pipeline.kit.compose_model import exposed, one_shots, published, services
from pipeline.kit.front import fronts
from pipeline.kit.labels import labels
from pipeline.kit.own_project import require_own_project
from pipeline.kit.ports_free import require_free
from pipeline.kit.readiness import Expected, Waiting
from pipeline.kit.releases.site import Site
from pipeline.ports.compose import Model
from pipeline.ports.engine import ContainerInfo, Port

COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"
COMPOSE_NUMBER = "com.docker.compose.container-number"


class ComposeSwitch:
    """See ``Switch``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._engine = site.engine

    def check(self, release: Release, old: Release | None) -> None:
        require_own_project(self._engine, self._site.project)
        for service, image in release.images.items():
            if self._engine.image(image) is None:
                raise NotFound(
                    f"the image of service {service} in {release.id} is no longer on the engine",
                    hint="Pull it by its digest, or run the pipeline at the release's commit.",
                )
        if old and old.kind == "container":
            return  # its port is freed when it stops
        self._require_free(self._ports(release))

    def _require_free(self, ports: Iterable[Port]) -> None:
        own = [*self._containers(), *fronts(self._engine, self._site.project)]
        allowed = {container.name for container in own}
        http = self._site.ports.http
        require_free(ports, engine=self._engine, http=http, allowed=allowed)

    def prepare(self, release: Release) -> None:
        """Nothing: what is there is updated in place."""

    def clear(self, release: Release) -> None:
        """Nothing, as above."""

    def start(self, release: Release) -> None:
        site = self._site
        with site.journal.effect("compose", site.project):
            site.compose.up(
                compose_variants.with_secrets(self.model(release), site.expand),
                project=site.project,
                pull=False,
                remove_orphans=True,
                on_line=site.log,
                scope=site.scope,
            )

    def stop(self, release: Release) -> None:
        site = self._site
        with site.journal.effect("stop", site.project):
            site.compose.stop(
                self.model(release), project=site.project, on_line=site.log, scope=site.scope
            )

    def retire(self, release: Release) -> None:
        """Nothing: the one project is that of the release in force."""

    def try_out(self, release: Release) -> None:
        self.start(release)

    def give_way(self, release: Release) -> None:
        self.stop(release)

    def look(self, release: Release) -> App:
        return self._app(release, self._all(release))

    def wait(self, release: Release) -> App:
        site, model = self._site, self.model(release)
        address, short = self._engine.info().address, one_shots(model)
        expected = [
            Expected(
                container=info.name,
                service=name,
                may_end=name in short,
                endpoints=lambda info: reach.endpoints(info, address).values(),
            )
            for name, info in self._all(release).items()
        ]
        waiting = Waiting(self._engine, site.ports.http, site.ports.clock)
        states = waiting.until_up(expected, site.scope, site.tell)
        return self._app(release, {one.service: states[one.container] for one in expected})

    def _all(self, release: Release) -> dict[str, ContainerInfo]:
        """A container of every service.

        Raises:
            StageFailed: one has none.
        """
        found = self._by_service()
        if missing := sorted(set(services(release.spec)) - set(found)):
            raise StageFailed(f"Compose did not start {', '.join(missing)}")
        return {name: found[name] for name in services(release.spec)}

    def _app(self, release: Release, containers: Mapping[str, ContainerInfo]) -> App:
        address = self._engine.info().address
        return App(
            kind="compose",
            services={
                name: _state(info, release.spec, name, address) for name, info in containers.items()
            },
            spec=release.spec,
            environment=release.environment,
            main=release.main,
            url=release.url,
        )

    def is_up(self, release: Release) -> bool:
        model = self.model(release)
        found, short = self._by_service(), one_shots(model)
        return all(
            name in found
            and found[name].image == release.images.get(name)
            and (_well(found[name]) or (name in short and found[name].exit_code == 0))
            for name in services(model)
        )

    def runs(self, release: Release) -> bool:
        return any(container.running for container in self._containers())

    def remove(self, release: Release) -> None:
        site = self._site
        with site.journal.effect("remove", site.project):
            site.compose.down(
                None, project=site.project, volumes=False, on_line=site.log, scope=site.scope
            )

    def model(self, release: Release) -> Model:
        """What Compose is given to run, secrets as references."""
        # No run or release in the labels: Compose would replace every container for them.
        marks = {
            name: labels(self._site.project, "live", service=name)
            for name in ("", *services(release.spec))
        }
        return compose_variants.as_live(
            release.spec,
            project=self._site.project,
            images=release.images,
            labels=lambda service: marks[service],
            restart="unless-stopped",
            one_shots=one_shots(release.spec),
        )

    def _ports(self, release: Release) -> list[Port]:
        return [port for service in services(release.spec).values() for port in published(service)]

    def _containers(self) -> list[ContainerInfo]:
        return self._engine.containers({COMPOSE_PROJECT: self._site.project})

    def _by_service(self) -> Mapping[str, ContainerInfo]:
        """The first container of each service."""
        ordered = sorted(
            self._containers(), key=lambda c: int(c.labels.get(COMPOSE_NUMBER, "1")), reverse=True
        )
        return {container.labels.get(COMPOSE_SERVICE, ""): container for container in ordered}


def _well(container: ContainerInfo) -> bool:
    return container.running and container.health != "unhealthy"


def _state(info: ContainerInfo, model: Model, service: str, address: str) -> ServiceState:
    return ServiceState(
        container=info.id,
        name=info.name,
        image=info.image,
        endpoints=reach.endpoints(info, address, exposed(services(model)[service])),
        one_shot=info.state == "exited",
    )
