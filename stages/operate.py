"""Stage 8: the tested image becomes the live release, or the old one stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.artifacts import (
    App,
    Artifact,
    Dockerfiles,
    GitRecord,
    Images,
    PushedImages,
    Release,
    SmokeReport,
    Source,
)
from pipeline.errors import StageFailed
from pipeline.kit.addresses import as_addresses
from pipeline.kit.container_options import ContainerOptions
from pipeline.kit.front import Route
from pipeline.kit.gate import NAME as GATE
from pipeline.kit.gate import AcmeOptions, Gate, parse_domains
from pipeline.kit.hashing import fingerprint
from pipeline.kit.ports_free import require_free_for
from pipeline.kit.publish import parse_publish
from pipeline.kit.releases import (
    Part,
    Site,
    WentLive,
    converge,
    held,
    is_serving,
    roll_out,
    same_content,
    shared_id,
    verifier,
)
from pipeline.kit.units import Seconds
from pipeline.ports.engine import Port
from pipeline.stage import Context, Stage, StageOptions
from stages._operate_draft import Draft

PATIENCE = 600.0
"""Seconds for another client of an engine to end its work there; the stage's limit counts too."""
CERTIFICATE = 15.0
"""Seconds that a certificate may take before that is told."""
STOP_GRACE = 10.0
"""Seconds after which a container that ignores SIGTERM is killed, usually."""
IGNORES_SIGTERM = (
    "A program that ignores SIGTERM, as many do that are PID 1, is killed only after 10 s: "
    "`init: true` for the service passes the signal on."
)


class OperateOptions(StageOptions):
    publish: int | str | list[int | str] | None = Field(
        None,
        description="Host port of the live app: 8000, '8000:5000', '127.0.0.1:8000:5000' or a list."
        " Without it the ports of the run stage (or the Compose file) are used.",
    )
    keep: int = Field(5, ge=1, le=100, description="Releases that stay ready to come back.")
    domain: str | list[str] | None = Field(
        None,
        description="Host names that the app is opened by, with HTTPS: app.example.org or a list."
        " One gate for all projects has ports 80 and 443 of the engine.",
    )
    tls: bool = Field(
        True,
        description="on: HTTPS for the domains, with certificates that come by themselves. off:"
        " plain HTTP on port 80, for who has something before the engine that does HTTPS.",
    )
    acme: AcmeOptions | None = Field(
        None,
        description="Who signs the certificates of public names, {ca: URL, email: …, root: FILE},"
        " the same for all projects of an engine. Without it: Caddy's choice, Let's Encrypt.",
    )
    strategy: Literal["blue-green", "replace"] | None = Field(
        None,
        description="blue-green: the new one runs beside the old one, and a front leads from the"
        " one to the other without a gap. replace: the old one stops, the new one starts. Without"
        " it: blue-green where `publish` is given and the app allows it.",
    )
    route: Route | None = Field(
        None,
        description="Of a Compose project: the service that takes over blue-green, and its port.",
    )
    soak: Seconds = Field(
        5.0, description="Blue-green: how long the new one answers well before the old one goes."
    )
    drain: Seconds = Field(
        30.0, description="Blue-green: how long the old one may finish what it has begun."
    )
    restart: Literal["no", "always", "unless-stopped", "on-failure"] | None = Field(
        None, description="Restart policy of the live container; else that of the run stage."
    )
    engine: str | list[str] | None = Field(
        None,
        description="The engine that serves, if it is not the one that builds: ssh://user@host,"
        " tcp://host:2376, unix:///socket or the name of a Docker context. Of a list each in its"
        " turn: the first failure stops, and those before it go back.",
    )

    @field_validator("engine")
    @classmethod
    def _named(cls, value: str | list[str] | None) -> Any:
        as_addresses(value)
        return value

    @field_validator("publish")
    @classmethod
    def _readable(cls, value: int | str | list[int | str] | None) -> Any:
        if value is not None:
            parse_publish(value, main=1)
        return value

    @model_validator(mode="after")
    def _of_a_domain(self) -> OperateOptions:
        if self.domain and self.strategy == "replace":
            raise ValueError("a `domain` leads to a front, and `strategy: replace` has none")
        if not self.domain and (given := {"tls", "acme"} & self.model_fields_set):
            raise ValueError(f"`{min(given)}` is about a `domain`, and there is none")
        return self

    @field_validator("domain")
    @classmethod
    def _names(cls, value: str | list[str] | None) -> Any:
        if value is not None:
            parse_domains(value)
        return value


class OperateStage(Stage[OperateOptions]):
    """See docs/stages/operate.md."""

    name: ClassVar[str] = "operate"
    summary: ClassVar[str] = "makes the tested image the live release, or keeps the old one"
    Options = OperateOptions
    needs = frozenset({Images, App})
    wants = frozenset({Source, Dockerfiles, SmokeReport, PushedImages, GitRecord})
    makes = frozenset({Release})
    releases = True

    def run(self, ctx: Context) -> Sequence[Artifact]:
        draft, sites = Draft(ctx, self.options), self._sites(ctx)
        arrived = [draft.ship(site) for site in sites]  # to all, before anything is touched
        with held(sites, f"run {ctx.run}", wait=PATIENCE) as sites:
            parts = self._parts(draft, sites, arrived)
            live = roll_out(parts, reason="release", keep=self.options.keep)
        for part, went in zip(parts, live, strict=True):
            self._tell(ctx, went, part.site.where)
            if self.options.tls:
                self._tell_of_certificates(ctx, part.site, draft.domains)
        first = live[0]
        if first.previous is None:  # nothing served before, so nothing was interrupted
            return [first.release.model_copy(update={"gap": None})]
        return [first.release]

    def preflight(self, ctx: Context) -> None:
        """A port that something else has is found before anything is built or pushed."""
        wanted = self._published_ahead(ctx)
        for site in self._sites(ctx):
            site.engine.info()
            require_free_for(ctx.project.name, wanted, engine=site.engine, http=site.ports.http)
            if self.options.domain:
                domains = parse_domains(self.options.domain)
                _gate(site).require(ctx.project.name, domains)
        if self.options.domain and not self.options.route and _is_compose(ctx):
            raise StageFailed(
                "`domain` of a Compose project leads to one of its services, and none is named",
                hint="Add `route: {service: web, port: 8000}`.",
            )

    def _published_ahead(self, ctx: Context) -> Sequence[Port]:
        """As far as the file says so: what a container port is called plays no part in it."""
        if self.options.publish is not None:
            return parse_publish(self.options.publish, main=1)
        run: object = ctx.peers.get("run")
        return run.ports if isinstance(run, ContainerOptions) else ()

    def fingerprint(self, ctx: Context) -> str | None:
        # The candidate's addresses differ from run to run; what it is made of does not.
        app, images = ctx.get(App), ctx.get(Images)
        pushed = ctx.find(PushedImages)
        source = ctx.find(Source)
        return fingerprint(
            self.options, app.kind, app.spec, app.environment,
            {name: image.id for name, image in images.services.items()},
            pushed, source.commit if source else None,
        )  # fmt: skip

    def still_valid(self, ctx: Context, artifacts: Sequence[Artifact]) -> bool:
        release = next((a for a in artifacts if isinstance(a, Release)), None)
        return release is not None and all(is_serving(site, release) for site in self._sites(ctx))

    def cleanup(self, ctx: Context) -> None:
        """The old one is back already, unless something kept it from coming back."""
        with held(self._sites(ctx), f"run {ctx.run}", wait=PATIENCE) as sites:
            for site in sites:
                converge(site)

    def _sites(self, ctx: Context) -> list[Site]:
        return [Site.of(ctx, address) for address in as_addresses(self.options.engine)]

    def _parts(
        self, draft: Draft, sites: Sequence[Site], arrived: Sequence[Mapping[str, str]]
    ) -> list[Part]:
        """What goes live where. What an engine serves already keeps its id, and where that is still
        new it is the id for the others too."""
        ctx = draft.ctx
        drafted = [
            draft.release(site, "r0", images) for site, images in zip(sites, arrived, strict=True)
        ]
        in_force = [site.ledger.current() for site in sites]
        same = [
            now.release if now and same_content(now.release, new) else None
            for now, new in zip(in_force, drafted, strict=True)
        ]
        number = shared_id(sites, [known.id for known in same if known])
        parts = []
        for site, new, known in zip(sites, drafted, same, strict=True):
            if known:
                ctx.progress(f"{known.id} is this already; making sure that it serves")
            release = known or new.model_copy(update={"id": number})
            parts.append(Part(site, release, verifier(release, site, ctx.smoked)))
        return parts

    def _tell(self, ctx: Context, went: WentLive, where: str) -> None:
        place = f" on {where}" if where else ""
        if went.previous and went.previous.id != went.release.id:
            ctx.notice(
                f"{went.release.id} took over from {went.previous.id}{place}{went.how}",
                hint=IGNORES_SIGTERM if went.gap >= STOP_GRACE else "",
            )
        for gone in went.retired:
            ctx.log(f"forgot {gone.id}: keep is {self.options.keep}")

    def _tell_of_certificates(self, ctx: Context, site: Site, domains: Sequence[str]) -> None:
        """That a name leads elsewhere is no fault of the release, which serves."""
        for domain in domains:
            if reason := _gate(site).vouches(domain, CERTIFICATE):
                ctx.notice(
                    f"there is no certificate for {domain} yet: {reason}",
                    hint="Its DNS entry has to lead to the machine of the engine, and ports 80 and "
                    f"443 have to be open; `docker logs {GATE}` says more. It is tried again "
                    "whenever somebody opens it.",
                )


def _is_compose(ctx: Context) -> bool:
    return bool(getattr(ctx.peers.get("run"), "compose", ()))


def _gate(site: Site) -> Gate:
    return Gate(site.engine, site.ports.http, site.ports.clock, site.journal, site.scope)
