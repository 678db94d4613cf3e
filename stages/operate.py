"""Stage 8: the tested image becomes the live release, or the old one stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from pipeline.artifacts import (
    App,
    Artifact,
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
from pipeline.kit import compose_variants
from pipeline.kit.checks import load, read_only
from pipeline.kit.compose_model import published, services
from pipeline.kit.container_options import ContainerOptions
from pipeline.kit.front import why_not, why_rather_not
from pipeline.kit.hashing import fingerprint
from pipeline.kit.ports_free import require_free_for
from pipeline.kit.publish import browse_url, parse_publish
from pipeline.kit.releases import (
    Site,
    WentLive,
    converge,
    describe_release,
    go_live,
    is_serving,
    same_content,
    tested_images,
    verifier,
)
from pipeline.kit.units import Seconds
from pipeline.ports.engine import ContainerSpec, Port
from pipeline.stage import Context, Stage, StageOptions

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
    strategy: Literal["blue-green", "replace"] | None = Field(
        None,
        description="blue-green: the new one runs beside the old one, and a front leads from the"
        " one to the other without a gap. replace: the old one stops, the new one starts. Without"
        " it: blue-green where `publish` is given and the app allows it.",
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

    @field_validator("publish")
    @classmethod
    def _readable(cls, value: int | str | list[int | str] | None) -> Any:
        if value is not None:
            parse_publish(value, main=1)
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
        site = Site.of(ctx)
        ledger = site.ledger
        release = self._describe(ctx, ledger.next_id())
        current = ledger.current()
        if current and same_content(current.release, release):
            release = current.release
            ctx.progress(f"{release.id} is this already; making sure that it serves")
        verify = verifier(release, site, ctx.smoked)
        went = go_live(site, release, reason="release", keep=self.options.keep, verify=verify)
        self._tell(ctx, went)
        if went.previous is None:  # nothing served before, so nothing was interrupted
            return [went.release.model_copy(update={"gap": None})]
        return [went.release]

    def preflight(self, ctx: Context) -> None:
        """A port that something else has is found before anything is built or pushed."""
        engine, wanted = ctx.ports.engine, self._published_ahead(ctx)
        engine.info()
        require_free_for(ctx.project.name, wanted, engine=engine, http=ctx.ports.http)

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
        return release is not None and is_serving(Site.of(ctx), release)

    def cleanup(self, ctx: Context) -> None:
        """The old one is back already, unless something kept it from coming back."""
        converge(Site.of(ctx))

    def _describe(self, ctx: Context, release_id: str) -> Release:
        app, smoke = ctx.get(App), ctx.find(SmokeReport)
        spec, url = self._live_spec(ctx, app)
        options = self.options
        beside = self._is_beside(ctx, app, spec, smoke)
        return describe_release(
            id=release_id,
            project=ctx.project.name,
            run=ctx.run,
            now=ctx.ports.clock.now(),
            app=app,
            images=tested_images(app, ctx.get(Images), smoke),
            spec=spec,
            url=url,
            source=ctx.find(Source),
            dockerfiles=ctx.find(Dockerfiles),
            pushed=ctx.find(PushedImages),
            smoke=smoke,
            record=ctx.find(GitRecord),
            handover=Handover(soak=options.soak, drain=options.drain) if beside else None,
        )

    def _is_beside(
        self, ctx: Context, app: App, spec: Mapping[str, Any], smoke: SmokeReport | None
    ) -> bool:
        """Is it to take over blue-green, behind a front? Raises ``StageFailed`` if it should and
        cannot."""
        wanted = self.options.strategy
        if wanted == "replace":
            return False
        if app.kind == "compose":
            reason = "a Compose project is updated in place"
        else:
            container = ContainerSpec.model_validate(spec)
            reason = why_not(container)
            if not reason and wanted is None:
                checks = read_only(load(smoke.checks)) if smoke else ()
                reason = why_rather_not(container, checks, _main_port(app))
        if reason and wanted:
            raise StageFailed(
                f"`strategy: blue-green` is not possible: {reason}",
                hint="`strategy: replace` stops the old one before the new one starts.",
            )
        if reason and self.options.publish is not None:
            ctx.progress(f"no blue-green: {reason}")
        return not reason and (wanted is not None or self.options.publish is not None)

    def _live_spec(self, ctx: Context, app: App) -> tuple[dict[str, Any], str]:
        """What the live one is started from, and where it is opened."""
        if app.kind == "compose":
            # A service that says nothing of restarts may be a one-shot. One that still runs after
            # all tests is none, and has to come back with the engine.
            running = [name for name, state in app.services.items() if _runs(ctx, state)]
            spec = compose_variants.lasting(app.spec, running, "unless-stopped")
            return dict(spec), browse_url(published(services(spec)[app.main]))
        container = ContainerSpec.model_validate(app.spec)
        changes: dict[str, Any] = {}
        if self.options.publish is not None:
            try:
                changes["ports"] = parse_publish(self.options.publish, _main_port(app))
            except ValueError as error:
                raise StageFailed(str(error), hint="Or say `run: {port: …}`.") from error
        if self.options.restart is not None:
            changes["restart"] = self.options.restart
        container = container.model_copy(update=changes)
        return container.model_dump(mode="json"), browse_url(container.ports)

    def _tell(self, ctx: Context, went: WentLive) -> None:
        if went.previous and went.previous.id != went.release.id:
            ctx.notice(
                f"{went.release.id} took over from {went.previous.id}{went.how}",
                hint=IGNORES_SIGTERM if went.gap >= STOP_GRACE else "",
            )
        for gone in went.retired:
            ctx.log(f"forgot {gone.id}: keep is {self.options.keep}")


def _main_port(app: App) -> int | None:
    """The container port that checks and ``publish`` mean when they name none."""
    return next(iter(app.services[app.main].endpoints), None)


def _runs(ctx: Context, state: ServiceState) -> bool:
    found = ctx.ports.engine.inspect(state.container)
    return found is not None and found.running
