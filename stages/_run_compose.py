"""``run`` of a project that is the user's own Compose project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifacts import App, Images, Source
from pipeline.errors import (
    ConfigError,
    DeadlineExceeded,
    DockcycleError,
    Location,
    NotFound,
    Problem,
    StageFailed,
    UsageError,
)
from pipeline.kit import compose_files, compose_model, compose_variants, in_place, references
from pipeline.kit.health import knows_start_interval
from pipeline.kit.labels import labels, select
from pipeline.kit.names import did_you_mean
from pipeline.kit.observer import project_containers
from pipeline.kit.own_project import require_own_project
from pipeline.kit.ports_free import require_free
from pipeline.ports.compose import Model
from pipeline.ports.engine import ContainerInfo, ImageInfo
from pipeline.scope import Scope
from pipeline.stage import Context
from stages import _run_common as common

if TYPE_CHECKING:
    from stages.run import RunOptions


class ComposeRun:
    """One run's work on it; every method looks at the engine as it is."""

    def __init__(self, ctx: Context, options: RunOptions) -> None:
        self._ctx = ctx
        self._options = options
        self._engine = ctx.ports.engine

    def start(self) -> App:
        scope = self._ctx.scope.child(self._options.start_timeout, what="starting the app")
        return self._candidate(scope) if self._ctx.goes_live else self._in_place(scope)

    def inputs(self) -> object:
        images = self._ctx.get(Images)
        return [
            self._resolved,
            {name: image.id for name, image in images.services.items()},
            compose_variants.environment(self._resolved, self._ctx.secrets.expand),
        ]

    def still_up(self, app: App) -> bool:
        if not self._ctx.goes_live:
            record = in_place.read(self._engine, self._ctx.project.name)
            if record is None or record.spec != app.spec:
                return False
        return all(
            (found := self._engine.inspect(state.container)) is not None
            and found.image == state.image
            and (found.exit_code == 0 if state.one_shot else found.running)
            and found.health != "unhealthy"
            for state in app.services.values()
        )

    # what is started

    @cached_property
    def _files(self) -> compose_files.ComposeFiles:
        project = self._ctx.project.directory
        source = self._ctx.find(Source)
        app = Path(source.path) if source else project
        found = compose_files.declared({"run": self._options}, app=app, project=project)
        if found is None:
            raise DockcycleError("no Compose file is named in `run`")
        return found

    @cached_property
    def _resolved(self) -> Model:
        ctx = self._ctx
        model = compose_files.resolve(
            ctx.ports.compose, self._files, project=ctx.project.name, variables=ctx.variables,
            secrets=ctx.secrets.names, on_line=self._warn, scope=ctx.scope,
        )  # fmt: skip
        if self._main(model) not in compose_model.services(model):
            known = compose_model.services(model)
            raise UsageError(
                f"`main: {self._options.main}` is no service of the Compose file",
                hint=did_you_mean(self._options.main or "", known),
            )
        if missing := compose_variants.undeclared(model, ctx.secrets.names):
            raise ConfigError([self._undeclared(*one) for one in missing.items()])
        return model

    def _undeclared(self, secret: str, variable: str) -> Problem:
        return Problem(
            f"the secret {secret} comes from the variable {variable}, which is no secret of "
            "pipeline.yml",
            Location(file=self._files.files[0], key=f"secrets.{secret}.environment"),
            hint=f"Name it there: `secrets: {{{variable}: {{env: {variable}}}}}`.",
        )

    def _warn(self, message: str) -> None:
        self._ctx.notice(f"Compose: {message}", level="warning", rule="compose")

    def _main(self, model: Model) -> str:
        return self._options.main or compose_model.main_service(model, self._options.services)

    @cached_property
    def _images(self) -> Mapping[str, ImageInfo]:
        """Service → image on the engine: as it was built, or as it is pulled."""
        made = self._ctx.get(Images).services
        pulls = compose_model.pulls(self._resolved)
        return {
            name: self._by_id(name, made[name].id) if name in made else self._pulled(pulls[name])
            for name in compose_model.services(self._resolved)
            if name in made or name in pulls
        }

    def _by_id(self, service: str, image: str) -> ImageInfo:
        found = self._engine.image(image)
        if found is None:
            raise NotFound(
                f"the image {image[7:19]} of {service} is no longer on the engine",
                hint="Something removed it after the build; run again.",
            )
        return found

    def _pulled(self, wanted: compose_model.PullSpec) -> ImageInfo:
        ctx = self._ctx
        found = None if wanted.always else self._engine.image(wanted.ref)
        if found is not None:
            return found
        if wanted.never:
            raise NotFound(f"the engine has no {wanted.ref}, and `pull_policy: never` forbids more")
        ctx.progress(f"pulling {wanted.ref}")
        auth = ctx.ports.credentials.lookup(references.parse(wanted.ref).host)
        with ctx.journal.effect("pull", wanted.ref):
            return self._engine.pull(wanted.ref, auth, ctx.log, ctx.scope)

    @cached_property
    def _base(self) -> Model:
        """What the record keeps, secrets as references."""
        return compose_variants.base(
            self._resolved,
            secrets=self._ctx.secrets.names,
            healths={name: image.health for name, image in self._images.items()},
            start_interval=knows_start_interval(self._engine.info().version),
        )

    @property
    def _ids(self) -> dict[str, str]:
        return {name: image.id for name, image in self._images.items()}

    @property
    def _exposed(self) -> dict[str, tuple[int, ...]]:
        """Service → ports that are reached although nothing publishes them."""
        known = compose_model.services(self._base)
        return {
            name: (*compose_model.exposed(known[name]), *image.ports)
            for name, image in self._images.items()
        }

    # beside the live one

    def _candidate(self, scope: Scope) -> App:
        ctx = self._ctx
        require_own_project(self._engine, ctx.project.name)  # the live one is to be of this name
        project = common.candidate_name(ctx)
        model, notes = compose_variants.as_candidate(
            self._base,
            project=project,
            images=self._ids,
            labels=lambda service: ctx.labels("candidate", service=service),
            exposed=self._exposed,
            host_ip=common.private_ip(ctx),
            sharing=self._options.candidate,
            file=self._files.files[0],
        )
        common.tell(ctx, notes, self._files.files[0])
        common.remove_candidates(ctx)
        return self._up(project, model, scope)

    def _up(self, project: str, model: Model, scope: Scope, orphans: bool = False) -> App:
        ctx = self._ctx
        observer = common.observer(ctx, scope)
        secret = compose_variants.with_secrets(model, ctx.secrets.expand)
        with ctx.journal.effect("compose", project):
            try:
                ctx.ports.compose.up(
                    secret, project=project, pull=False, remove_orphans=orphans,
                    on_line=ctx.log, scope=scope,
                )  # fmt: skip
            except (StageFailed, DeadlineExceeded) as error:
                raise observer.explain(error, project, self._base) from error
        return observer.project(
            project,
            self._base,
            main=self._main(self._resolved),
            main_port=self._options.port,
            exposed=self._exposed,
            environment=compose_variants.environment(self._base, ctx.secrets.expand),
            in_place=not ctx.goes_live,
        )

    # in place

    def _in_place(self, scope: Scope) -> App:
        ctx, name = self._ctx, self._ctx.project.name
        common.require_not_live(ctx)
        common.require_kind(ctx, in_place.read(self._engine, name), "compose")
        require_own_project(self._engine, name)
        present = [c for infos in project_containers(self._engine, name).values() for c in infos]
        wanted = [
            port
            for service in compose_model.services(self._base).values()
            for port in compose_model.published(service)
        ]
        require_free(
            wanted, engine=self._engine, http=ctx.ports.http, allowed={c.name for c in present}
        )
        self._wake(present)
        return self._up(name, self._as_live(self._base, self._ids), scope, orphans=True)

    def _wake(self, present: Iterable[ContainerInfo]) -> None:
        """Compose leaves an unhealthy container that has not changed as it is, and then refuses
        what depends on it."""
        for container in present:
            if container.running and container.health == "unhealthy":
                with self._ctx.journal.effect("restart", container.name):
                    self._engine.restart(container.id)

    def _as_live(self, base: Model, images: Mapping[str, str]) -> Model:
        """With the same labels in every run, so that Compose replaces only what changed."""
        name = self._ctx.project.name
        return compose_variants.as_live(
            base,
            project=name,
            images=images,
            labels=lambda service: labels(name, "in-place", service=service),
        )

    # afterwards

    def undo(self) -> None:
        """No candidate stays; in place the last good state comes back."""
        ctx, name = self._ctx, self._ctx.project.name
        if ctx.goes_live:
            common.remove_candidates(ctx)
            return
        present = self._engine.containers(select(name, "in-place"))
        if not present:
            return
        record = in_place.read(self._engine, name)
        if record is None or record.kind != "compose":
            with ctx.journal.effect("compose", name):
                ctx.ports.compose.down(
                    None, project=name, volumes=False, on_line=ctx.log, scope=ctx.scope
                )
            return
        model = self._as_live(record.spec, record.images)
        self._wake(present)
        with ctx.journal.effect("compose", name):
            ctx.ports.compose.up(
                compose_variants.with_secrets(model, ctx.secrets.expand), project=name,
                pull=False, remove_orphans=True, on_line=ctx.log, scope=ctx.scope,
            )  # fmt: skip
        main = compose_model.main_service(record.spec)
        common.observer(ctx, ctx.scope).project(name, record.spec, main=main, exposed={})

    def settle(self, app: App) -> None:
        """The candidate has served its purpose; what runs in place is the good one now."""
        ctx = self._ctx
        if ctx.goes_live:
            common.remove_candidates(ctx)
            return
        images = {name: state.image for name, state in app.services.items()}
        record = in_place.Record(run=ctx.run, kind="compose", spec=app.spec, images=images)
        in_place.write(
            self._engine, ctx.project.name, record, client=ctx.client, journal=ctx.journal
        )
