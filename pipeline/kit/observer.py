"""What has been started, watched until it is up and told as evidence: an ``App``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from pipeline.artifacts import SINGLE, App, Endpoint, ServiceState
from pipeline.errors import DockcycleError, StageFailed
from pipeline.kit import compose_model, reach
from pipeline.kit.readiness import Expected, Waiting, failure
from pipeline.ports import Clock, Engine, Http
from pipeline.ports.compose import Model
from pipeline.ports.engine import ContainerInfo, ContainerSpec
from pipeline.scope import Scope


@dataclass(frozen=True)
class Observer:
    """Looks at containers of one engine. ``progress`` takes a few words for people."""

    engine: Engine
    http: Http
    clock: Clock
    scope: Scope
    progress: Callable[[str], None]

    def container(
        self, name: str, spec: ContainerSpec, *, main_port: int | None = None,
        exposed: Iterable[int] = (), environment: str = "", in_place: bool = False,
    ) -> App:  # fmt: skip
        """The container ``name`` once it is up. ``spec`` is the one that the record keeps.

        Raises:
            StageFailed: it ended or is unhealthy; ``detail`` has its last log lines.
            DeadlineExceeded: it is not up when the scope ends.
        """
        address = self.engine.info().address
        more = tuple(exposed)

        def found(info: ContainerInfo) -> Mapping[int, Endpoint]:
            if spec.network == "host" and main_port and reach.is_here(address):
                return {main_port: Endpoint(host=reach.LOOPBACK, port=main_port)}
            return reach.endpoints(info, address, more)

        expected = Expected(
            name, SINGLE, memory=spec.memory, endpoints=lambda info: _main(found(info), main_port)
        )
        info = self._wait([expected])[name]
        endpoints = found(info)
        return App(
            kind="container",
            services={SINGLE: _state(info, endpoints)},
            spec=spec.model_dump(mode="json"),
            environment=environment,
            in_place=in_place,
            url=_url(_main(endpoints, main_port)),
        )

    def project(
        self, project: str, model: Model, *, main: str, main_port: int | None = None,
        one_shots: Collection[str] | None = None, exposed: Mapping[str, Iterable[int]],
        environment: str = "", in_place: bool = False,
    ) -> App:  # fmt: skip
        """The Compose project once all of its services are up. ``model`` is the one that the record
        keeps; ``one_shots`` may end, by default those that the model itself says.

        Raises:
            StageFailed: a service ended, is unhealthy or has no container.
            DeadlineExceeded: one is not up when the scope ends.
        """
        address = self.engine.info().address
        may_end = compose_model.one_shots(model) if one_shots is None else one_shots
        containers = project_containers(self.engine, project)
        if absent := [s for s in wanted_services(model) if s not in containers]:
            raise StageFailed(
                f"Compose made no container for {', '.join(absent)}",
                hint="Is the service scaled to 0, or its profile not asked for?",
            )

        def found(service: str, info: ContainerInfo) -> Mapping[int, Endpoint]:
            return reach.endpoints(info, address, exposed.get(service, ()))

        def expected(service: str, info: ContainerInfo) -> Expected:
            return Expected(
                info.id,
                service,
                may_end=service in may_end,
                endpoints=lambda now: found(service, now).values(),
            )

        states = self._wait(
            [expected(service, info) for service, infos in containers.items() for info in infos]
        )
        services = {
            service: _state(state := states[infos[0].id], found(service, state))
            for service, infos in containers.items()
        }
        shown = bool(main_port or compose_model.services(model)[main].get("ports"))
        endpoints = services[main].endpoints if shown and main in services else {}
        return App(
            kind="compose",
            services=services,
            spec=model,
            environment=environment,
            in_place=in_place,
            main=main,
            url=_url(_main(endpoints, main_port)),
        )

    def again(self, name: str, service: str = SINGLE) -> None:
        """Wait until a container that was started again is up, its published ports answering."""
        address = self.engine.info().address
        self._wait(
            [Expected(name, service, endpoints=lambda i: reach.endpoints(i, address).values())]
        )

    def _wait(self, expected: list[Expected]) -> Mapping[str, ContainerInfo]:
        waiting = Waiting(self.engine, self.http, self.clock)
        return waiting.until_up(expected, self.scope, self.progress)

    def explain(self, error: DockcycleError, project: str, model: Model) -> DockcycleError:
        """``error`` (of ``Compose.up``), or better the failure of the service behind it."""
        may_end = compose_model.one_shots(model)
        for service, infos in project_containers(self.engine, project).items():
            for info in infos:
                found = failure(self.engine, info, service, service in may_end)
                if found is not None:
                    return found
        return error


def project_containers(engine: Engine, project: str) -> dict[str, list[ContainerInfo]]:
    """Service → its containers, as Compose labelled them; one-off ones left out."""
    found: dict[str, list[ContainerInfo]] = {}
    for info in engine.containers({compose_model.PROJECT_LABEL: project}):
        if info.labels.get(compose_model.ONE_OFF_LABEL, "").lower() != "true":
            found.setdefault(info.labels.get(compose_model.SERVICE_LABEL, ""), []).append(info)
    return dict(sorted(found.items()))


def wanted_services(model: Model) -> list[str]:
    """Services that have at least one container."""
    return [
        name
        for name, service in compose_model.services(model).items()
        if not service.get("provider") and service.get("scale") != 0
        and (service.get("deploy") or {}).get("replicas") != 0
    ]  # fmt: skip


def _state(info: ContainerInfo, endpoints: Mapping[int, Endpoint]) -> ServiceState:
    return ServiceState(
        container=info.id,
        name=info.name,
        image=info.image,
        endpoints=endpoints if info.running else {},
        one_shot=not info.running,
    )


def _main(endpoints: Mapping[int, Endpoint], port: int | None) -> tuple[Endpoint, ...]:
    """The endpoint of ``port``, else the first."""
    chosen = endpoints.get(port) if port is not None else None
    return (chosen,) if chosen else tuple(endpoints.values())[:1]


def _url(endpoints: tuple[Endpoint, ...]) -> str:
    return reach.url(endpoints[0]) if endpoints else ""
