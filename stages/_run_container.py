"""``run`` of a project that is one container."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artifacts import SINGLE, App, Images
from pipeline.errors import (
    ConfigError,
    DockcycleError,
    EngineRefused,
    Location,
    NotFound,
    Problem,
)
from pipeline.kit import container_spec, data_volumes, env_files, in_place
from pipeline.kit.health import knows_start_interval
from pipeline.kit.labels import select
from pipeline.kit.ports_free import require_free
from pipeline.ports.engine import ContainerInfo, ContainerSpec, ImageInfo
from pipeline.stage import Context
from stages import _run_common as common

if TYPE_CHECKING:
    from stages.run import RunOptions


class ContainerRun:
    """One run's work on it; every method looks at the engine as it is."""

    def __init__(self, ctx: Context, options: RunOptions) -> None:
        self._ctx = ctx
        self._options = options
        self._engine = ctx.ports.engine

    def start(self) -> App:
        self._require_network()
        return self._candidate() if self._ctx.goes_live else self._in_place()

    def inputs(self) -> object:
        spec = self._spec
        return [spec, container_spec.environment(spec, self._ctx.secrets.expand)]

    def still_up(self, app: App) -> bool:
        state = app.services[SINGLE]
        found = self._engine.inspect(state.container)
        well = (
            found is not None
            and found.running
            and found.health != "unhealthy"
            and found.image == state.image
        )
        if self._ctx.goes_live or found is None or not well:
            return well
        record = in_place.read(self._engine, self._ctx.project.name)
        return in_place.is_of(record, found.labels) and self._engine.inspect(self._aside) is None

    @cached_property
    def _image(self) -> ImageInfo:
        built = self._ctx.get(Images).services.get(SINGLE)
        if built is None:
            raise DockcycleError(
                "no single image was built: the pipeline's `build` and `run` do not agree",
                hint="With `compose:` in `run`, write it there only.",
            )
        image = self._engine.image(built.id)
        if image is None:
            raise NotFound(
                f"the image {built.id[7:19]} is no longer on the engine",
                hint="Something removed it after the build; run again.",
            )
        return image

    @cached_property
    def _port(self) -> int | None:
        return container_spec.main_port(self._options, self._image)

    @property
    def _exposed(self) -> tuple[int, ...]:
        return () if self._port is None else (self._port,)

    @cached_property
    def _spec(self) -> ContainerSpec:
        """As declared, secrets as references."""
        ctx, options = self._ctx, self._options
        spec = container_spec.base_spec(
            options,
            image=self._image,
            project=ctx.project.name,
            directory=ctx.project.directory,
            from_files=env_files.read(options.env_file, ctx.project.directory, ctx.variables),
        )
        self._require_sources(spec)
        known = knows_start_interval(self._engine.info().version)
        return container_spec.with_quick_health(spec, self._image, known=known)

    def _require_network(self) -> None:
        network = self._options.network
        if not container_spec.joins(network):
            return
        if all(network not in (found.name, found.id) for found in self._engine.networks({})):
            raise NotFound(
                f"there is no network {network} on the engine",
                hint=f"`docker network create {network}` makes it.",
            )

    def _require_sources(self, spec: ContainerSpec) -> None:
        """What is mounted from the project's own folder must be there. Other folders are the
        engine's to judge: it may see another file system than we do."""
        project = self._ctx.project
        for mount in spec.mounts:
            source = Path(mount.source)
            if mount.kind != "bind" or not source.is_relative_to(project.directory):
                continue
            if not source.exists():
                where = Location(file=str(project.file), key="run.volumes")
                raise ConfigError([Problem(f"there is no {source} to mount", where)])

    # beside the live one

    def _candidate(self) -> App:
        ctx = self._ctx
        name = common.candidate_name(ctx)
        spec, notes = container_spec.as_candidate(
            self._spec,
            name=name,
            labels=ctx.labels("candidate", service=SINGLE),
            exposed=(*self._exposed, *self._image.ports),
            host_ip=common.private_ip(ctx),
            sharing=self._options.candidate,
        )
        common.tell(ctx, notes, str(ctx.project.file))
        common.remove_candidates(ctx)
        return self._up(spec)

    def _up(self, spec: ContainerSpec) -> App:
        """Create, start, wait."""
        ctx = self._ctx
        if self._port is None:
            ctx.notice(
                "no port is known, so the app only has to stay up",
                hint="If it listens: `run: {port: …}`, or EXPOSE in the Dockerfile.",
            )
        secret = container_spec.with_secrets(spec, ctx.secrets.expand)
        data_volumes.ensure(self._engine, spec, self._volume_labels(), journal=ctx.journal)
        with ctx.journal.effect("container", spec.name):
            container = self._engine.create(secret)
        with ctx.journal.effect("start", spec.name):
            self._engine.start(container)
        scope = ctx.scope.child(self._options.start_timeout, what="starting the app")
        return common.observer(ctx, scope).container(
            spec.name,
            self._spec,
            main_port=self._port,
            exposed=self._exposed,
            environment=container_spec.environment(self._spec, ctx.secrets.expand),
            in_place=not ctx.goes_live,
        )

    def _volume_labels(self) -> dict[str, str]:
        """A candidate's volumes go with it."""
        if self._ctx.goes_live:
            return self._ctx.labels("candidate", service=SINGLE)
        return data_volumes.data_labels(self._ctx.project.name)

    # in place

    @property
    def _aside(self) -> str:
        """The name of the last good one while the new one proves itself."""
        return f"{self._ctx.project.name}-aside"

    def _in_place(self) -> App:
        ctx, spec = self._ctx, self._spec
        common.require_not_live(ctx)
        record = in_place.read(self._engine, ctx.project.name)
        common.require_kind(ctx, record, "container")
        mine = self._engine.containers(select(ctx.project.name, "in-place"))
        self._require_name(mine)
        require_free(
            spec.ports, engine=self._engine, http=ctx.ports.http,
            allowed={container.name for container in mine},
        )  # fmt: skip
        for container in mine:
            if in_place.is_of(record, container.labels):
                self._put_aside(container)
            else:  # of a run that failed or died
                self._remove(container)
        marks = ctx.labels("in-place", service=SINGLE)
        # No restarts until it is up: an app that crashes at once is told at once.
        live = container_spec.as_live(spec, name=spec.name, labels=marks, restart="no")
        app = self._up(live)
        with ctx.journal.effect("restart-policy", spec.name):
            self._engine.set_restart(spec.name, spec.restart)
        return app

    def _require_name(self, mine: list[ContainerInfo]) -> None:
        for name in (self._ctx.project.name, self._aside):
            found = self._engine.inspect(name)
            if found is not None and found.id not in {container.id for container in mine}:
                raise EngineRefused(
                    f"there is a container {name} that dockcycle did not make",
                    hint=f"Rename or remove it (`docker rm -f {name}`), or give the project "
                    "another `name:`.",
                )

    def _put_aside(self, container: ContainerInfo) -> None:
        if container.name != self._aside:
            with self._ctx.journal.effect("rename", self._aside):
                self._engine.rename(container.id, self._aside)
        with self._ctx.journal.effect("stop", self._aside):
            self._engine.stop(container.id)

    def _remove(self, container: ContainerInfo) -> None:
        with self._ctx.journal.effect("remove", container.name):
            self._engine.remove(container.id, volumes=True)

    # afterwards

    def undo(self) -> None:
        """No candidate stays; in place the last good one serves again."""
        ctx, name = self._ctx, self._ctx.project.name
        if ctx.goes_live:
            common.remove_candidates(ctx)
            return
        for container in self._engine.containers(select(name, "in-place", run=ctx.run)):
            self._remove(container)
        aside = self._engine.inspect(self._aside)
        if aside is not None and aside.labels.items() >= select(name, "in-place").items():
            with ctx.journal.effect("rename", name):
                self._engine.rename(aside.id, name)
            with ctx.journal.effect("start", name):
                self._engine.start(aside.id)
            common.observer(ctx, ctx.scope).again(name)

    def settle(self, app: App) -> None:
        """The candidate has served its purpose; what runs in place is the good one now."""
        ctx, name = self._ctx, self._ctx.project.name
        if ctx.goes_live:
            common.remove_candidates(ctx)
            return
        images = {SINGLE: app.services[SINGLE].image}
        record = in_place.Record(run=ctx.run, kind="container", spec=app.spec, images=images)
        in_place.write(self._engine, name, record, client=ctx.client, journal=ctx.journal)
        for container in self._engine.containers(select(name, "in-place")):
            if not in_place.is_of(record, container.labels):
                self._remove(container)
