"""What ``operate`` is to make live, as a release of one engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from pipeline.artifacts import (
    SINGLE,
    App,
    Dockerfiles,
    GitRecord,
    Handover,
    Images,
    PushedImages,
    Release,
    ServiceState,
    SmokeReport,
    Source,
)
from pipeline.errors import StageFailed
from pipeline.kit import compose_variants, reach
from pipeline.kit.checks import load, read_only
from pipeline.kit.compose_model import published, services
from pipeline.kit.front import Route, through_front, why_not, why_rather_not
from pipeline.kit.gate import AcmeOptions, parse_domains
from pipeline.kit.local_paths import local_paths, local_paths_of
from pipeline.kit.publish import browse_url, parse_publish
from pipeline.kit.releases import Site, describe_release, pushed_digests, tested_images
from pipeline.kit.shipping import Crate, Shipping
from pipeline.ports.engine import ContainerSpec, Port
from pipeline.stage import Context
from stages._registries import auth_for


class Wishes(Protocol):
    """The options that say how a release is to serve."""

    @property
    def publish(self) -> int | str | list[int | str] | None: ...
    @property
    def strategy(self) -> Literal["blue-green", "replace"] | None: ...
    @property
    def domain(self) -> str | list[str] | None: ...
    @property
    def tls(self) -> bool: ...
    @property
    def acme(self) -> AcmeOptions | None: ...
    @property
    def route(self) -> Route | None: ...
    @property
    def soak(self) -> float: ...
    @property
    def drain(self) -> float: ...
    @property
    def restart(self) -> str | None: ...


@dataclass(frozen=True)
class Draft:
    """A release to be: the evidence of a run, and what is wished."""

    ctx: Context
    wishes: Wishes

    @property
    def domains(self) -> tuple[str, ...]:
        return parse_domains(self.wishes.domain) if self.wishes.domain else ()

    @property
    def app(self) -> App:
        return self.ctx.get(App)

    def ship(self, site: Site) -> dict[str, str]:
        """Service → id that the tested image has on the site's engine, where it is now.

        Raises:
            StageFailed: nothing was tested, or it cannot serve there.
        """
        ctx = self.ctx
        images = tested_images(self.app, ctx.get(Images), ctx.find(SmokeReport))
        if not site.where:
            return images
        self._require_nothing_local(site)
        crates = {s: Crate(image, self._sources(s, image)) for s, image in images.items()}
        shipping = Shipping(
            here=ctx.ports.engine, there=site.engine, auth=lambda host: auth_for(ctx, host),
            scope=ctx.scope, tell=ctx.progress, log=ctx.log,
        )  # fmt: skip
        return shipping.ship(crates)

    def release(self, site: Site, release_id: str, images: Mapping[str, str]) -> Release:
        """``images`` are the ids on the site's engine."""
        ctx, app, smoke = self.ctx, self.app, self.ctx.find(SmokeReport)
        address = site.engine.info().address
        spec, url = self._live_spec(images, address)
        handover = None
        if self._is_beside(spec, smoke):
            spec, url, handover = self._behind_front(spec, url, address)
        return describe_release(
            id=release_id,
            project=ctx.project.name,
            run=ctx.run,
            now=ctx.ports.clock.now(),
            app=app,
            images=images,
            spec=spec,
            url=url,
            source=ctx.find(Source),
            dockerfiles=ctx.find(Dockerfiles),
            pushed=ctx.find(PushedImages),
            smoke=smoke,
            record=ctx.find(GitRecord),
            handover=handover,
            engine=site.where,
        )

    def _sources(self, service: str, image: str) -> tuple[str, ...]:
        """Where it can be pulled from: what was pushed from where that was, what was only pulled
        from where that came from."""
        pushed = pushed_digests(self.ctx.find(PushedImages)).get(service)
        if pushed is not None:
            return tuple(ref for ref in pushed if not ref.startswith("/"))  # an archive
        info = self.ctx.ports.engine.image(image)
        return info.digests if info else ()

    def _require_nothing_local(self, site: Site) -> None:
        if not reach.machine(site.engine.info().address):
            return
        app, project = self.app, self.ctx.project.directory
        if app.kind == "compose":
            found = local_paths_of(app.spec, project)
        else:
            found = local_paths(ContainerSpec.model_validate(app.spec), project)
        if found:
            raise StageFailed(
                f"{found[0]} is mounted into the app, and {site.where} does not have it",
                hint="Copy it into the image, or mount a folder of the server's own (a path that "
                "is not in the project's folder), or a named volume.",
            )

    def _behind_front(
        self, spec: dict[str, Any], url: str, address: str
    ) -> tuple[dict[str, Any], str, Handover]:
        """The same, where the front has the ports."""
        wishes = self.wishes
        handover = Handover(soak=wishes.soak, drain=wishes.drain)
        if self.app.kind == "container" or wishes.route is None:
            own = ContainerSpec.model_validate(spec).ports
            url, handover = self._at_domains(handover, url, main_port(self.app), own)
            return spec, url, handover
        route = wishes.route
        try:
            publish = parse_publish(wishes.publish, route.port) if wishes.publish else ()
            by_gate = _by_gate(route.port, address) if self.domains else ()
            model, ports = through_front(spec, route, publish, by_gate)
        except ValueError as error:
            raise StageFailed(
                f"`route` is not possible: {error}",
                hint="Without `route` the project is updated in place.",
            ) from error
        routed = {
            "service": route.service,
            "ports": tuple(port.model_dump(mode="json") for port in ports),
        }
        handover = handover.model_copy(update=routed)
        url = browse_url(ports, reach.machine(address))
        url, handover = self._at_domains(handover, url, route.port, ports)
        return dict(model), url, handover

    def _at_domains(
        self, handover: Handover, url: str, main: int | None, ports: Sequence[Port]
    ) -> tuple[str, Handover]:
        """Where it is opened, and what the gate has to know."""
        if not self.domains:
            return url, handover
        inside = [port.container for port in ports]
        named = {
            "domains": self.domains,
            "domain_port": main if main in inside else inside[0],
            "tls": self.wishes.tls,
            "acme": self._acme(),
        }
        scheme = "https" if self.wishes.tls else "http"
        return f"{scheme}://{self.domains[0]}", handover.model_copy(update=named)

    def _acme(self) -> dict[str, str]:
        if self.wishes.acme is None:
            return {}
        try:
            return self.wishes.acme.read(self.ctx.project.directory).model_dump()
        except ValueError as error:
            raise StageFailed(
                f"`acme: {{root: …}}`: {error}",
                hint="Name the file with the certificate of your authority.",
            ) from error

    def _is_beside(self, spec: Mapping[str, Any], smoke: SmokeReport | None) -> bool:
        """Is it to take over blue-green, behind a front? Raises ``StageFailed`` if it should and
        cannot."""
        wishes = self.wishes
        if wishes.strategy == "replace":
            return False
        if self.app.kind == "compose":
            if wishes.route is not None:
                return True
            reason = "a Compose project is updated in place, unless `route` names a service"
        elif wishes.route is not None:
            raise StageFailed("`route` names a service of a Compose project, and this is none")
        else:
            reason = self._why_not(ContainerSpec.model_validate(spec), smoke)
        insists = wishes.strategy is not None or bool(self.domains)
        if reason and insists:
            option = "strategy: blue-green" if wishes.strategy else "domain"
            raise StageFailed(
                f"`{option}` is not possible: {reason}",
                hint="`strategy: replace` with `publish` stops the old one before the new one"
                " starts.",
            )
        if reason and wishes.publish is not None:
            self.ctx.progress(f"no blue-green: {reason}")
        return not reason and (insists or wishes.publish is not None)

    def _why_not(self, container: ContainerSpec, smoke: SmokeReport | None) -> str:
        """What keeps a single container from it; empty when nothing does."""
        reason = why_not(container)
        if reason or self.wishes.strategy:
            return reason
        checks = read_only(load(smoke.checks)) if smoke else ()
        rather = why_rather_not(container, checks, main_port(self.app))
        if rather and self.domains:
            self.ctx.notice(
                f"the new one runs beside the old one, as a `domain` needs it, although {rather}",
                hint="`strategy: blue-green` says that you know.",
            )
            return ""
        return rather

    def _live_spec(self, images: Mapping[str, str], address: str) -> tuple[dict[str, Any], str]:
        """What the live one is started from, and where it is opened."""
        app, wishes, machine = self.app, self.wishes, reach.machine(address)
        if app.kind == "compose":
            # A service that says nothing of restarts may be a one-shot. One that still runs after
            # all tests is none, and has to come back with the engine.
            running = [name for name, state in app.services.items() if _runs(self.ctx, state)]
            spec = compose_variants.lasting(app.spec, running, "unless-stopped")
            return dict(spec), browse_url(published(services(spec)[app.main]), machine)
        changes: dict[str, Any] = {"image": images[SINGLE]}
        if wishes.publish is not None:
            try:
                changes["ports"] = parse_publish(wishes.publish, main_port(app))
            except ValueError as error:
                raise StageFailed(str(error), hint="Or say `run: {port: …}`.") from error
        if wishes.restart is not None:
            changes["restart"] = wishes.restart
        container = ContainerSpec.model_validate(app.spec).model_copy(update=changes)
        main = main_port(app)
        if self.domains and main and wishes.publish is None:
            container = container.model_copy(update={"ports": _by_gate(main, address)})
        return container.model_dump(mode="json"), browse_url(container.ports, machine)


def _by_gate(port: int, address: str) -> tuple[Port, ...]:
    """Published for us alone, who ask the release whether it is well; users come by the gate."""
    return (Port(container=port, host_ip=reach.private_ip(address)),)


def main_port(app: App) -> int | None:
    """The container port that checks and ``publish`` mean when they name none: the one that the
    app's URL leads to. An image may expose others."""
    endpoints, shown = app.services[app.main].endpoints, urlsplit(app.url).port
    named = (port for port, endpoint in endpoints.items() if endpoint.port == shown)
    return next(named, next(iter(endpoints), None))


def _runs(ctx: Context, state: ServiceState) -> bool:
    found = ctx.ports.engine.inspect(state.container)
    return found is not None and found.running
