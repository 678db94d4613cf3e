"""Stage 6: the tested images go to registries and archives, and are read back from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from pipeline.artifacts import Artifact, Images, PushedImage, PushedImages, SmokeReport, Source
from pipeline.errors import Cancelled, DockcycleError, StageFailed, Unusable
from pipeline.kit import references
from pipeline.kit.archives import file_digest, save_archive
from pipeline.kit.hashing import fingerprint
from pipeline.kit.local_registry import local_registry
from pipeline.kit.push_targets import (
    ArchiveTarget,
    LocalTarget,
    RegistryTarget,
    Targets,
    Where,
    as_targets,
    repositories,
)
from pipeline.kit.pushing import TemporaryTags, push_image
from pipeline.kit.tags import TagPolicy, render_tags
from pipeline.ports import Auth
from pipeline.stage import Context, Stage, StageOptions
from stages._registries import auth_of

Pushed = Mapping[str, Sequence[PushedImage]]
"""Service → what was pushed of it."""
CHECK_LIMIT = 5.0
"""Seconds to find out whether an earlier push is still there."""


class PushOptions(StageOptions):
    to: Annotated[
        Targets,
        Field(
            validate_default=True,
            description="Where to push, side by side: `local`, a repository, or a mapping.",
        ),
    ] = ("local",)
    tags: tuple[TagPolicy, ...] = Field(
        (), description="Tags; when left out the commit, or the content hash outside of git."
    )


class PushStage(Stage[PushOptions]):
    """See docs/stages/push.md."""

    name: ClassVar[str] = "push"
    summary: ClassVar[str] = "pushes the tested images, and reads them back"
    Options = PushOptions
    needs = frozenset({Source, Images})
    wants = frozenset({SmokeReport})
    makes = frozenset({PushedImages})
    releases = True

    def __init__(self, options: PushOptions) -> None:
        super().__init__(options)
        self._targets = as_targets(options.to)
        self._names: TemporaryTags | None = None

    def run(self, ctx: Context) -> Sequence[Artifact]:
        images = _tested_images(ctx)
        self._names = TemporaryTags(ctx.ports.engine, ctx.journal)
        deliveries = [
            _Delivery(ctx, where, self._tags(ctx, where, tell=True), images, self._names)
            for where in self._targets
        ]
        with ThreadPoolExecutor(len(deliveries), thread_name_prefix="push") as pool:
            outcomes = {delivery: pool.submit(delivery.run) for delivery in deliveries}
        pushed = _all_or_failure(ctx, outcomes)
        return [
            PushedImages(
                services={
                    service: tuple(one for found in pushed for one in found[service])
                    for service in images
                }
            )
        ]

    def fingerprint(self, ctx: Context) -> str | None:
        smoke = ctx.find(SmokeReport)
        tags = [self._tags(ctx, where) for where in self._targets]
        return fingerprint(
            self.options, tags, _built_images(ctx.get(Images)), smoke.images if smoke else None
        )

    def still_valid(self, ctx: Context, artifacts: Sequence[Artifact]) -> bool:
        ctx = ctx.within(CHECK_LIMIT, "looking for what was pushed")
        known = [artifact for artifact in artifacts if isinstance(artifact, PushedImages)]
        try:
            return all(
                self._still_there(ctx, pushed)
                for artifact in known
                for found in artifact.services.values()
                for pushed in found
            )
        except (Unusable, StageFailed):
            return False

    def cleanup(self, ctx: Context) -> None:
        if self._names is not None:
            self._names.drop_left()

    def finish(self, ctx: Context) -> None:
        self.cleanup(ctx)

    def _tags(self, ctx: Context, where: Where, *, tell: bool = False) -> list[str]:
        if isinstance(where, RegistryTarget) and (written := where.reference.tag):
            return [written]
        return render_tags(
            where.tags or self.options.tags,
            ctx.get(Source),
            ctx.ports.clock.now(),
            ctx.notice if tell else lambda message: None,
        )

    def _still_there(self, ctx: Context, pushed: PushedImage) -> bool:
        if (path := Path(pushed.ref)).is_absolute():
            return path.is_file() and file_digest(path) == pushed.digest
        host = references.parse(pushed.ref).host
        targets = (where for where in self._targets if isinstance(where, RegistryTarget))
        where = next((where for where in targets if where.reference.host == host), None)
        auth = auth_of(ctx, where) if where else None
        found = ctx.ports.registry.manifest(pushed.ref, auth, ctx.scope)
        return found is not None and found.digest == pushed.digest


@dataclass(frozen=True, eq=False)
class _Delivery:
    """All images to one target."""

    ctx: Context
    where: Where
    tags: Sequence[str]
    images: Mapping[str, str]
    """Service → image id."""
    names: TemporaryTags

    def run(self) -> Pushed:
        match self.where:
            case ArchiveTarget():
                return self._archive(self.where)
            case LocalTarget():
                host = local_registry(
                    self.ctx.ports,
                    self.ctx.journal,
                    port=self.where.local.port,
                    scope=self.ctx.scope,
                    tell=self.ctx.progress,
                )
                name = references.path_component(self.ctx.project.name)
                return self._push(f"{host}/{name}", None)
            case RegistryTarget():
                return self._push(self.where.ref, auth_of(self.ctx, self.where))

    def _push(self, pattern: str, auth: Auth | None) -> Pushed:
        return {
            service: [
                push_image(
                    self.images[service],
                    repository.tagged(tag),
                    auth,
                    ports=self.ctx.ports,
                    tags=self.names,
                    on_line=self._line,
                    on_bytes=self._bytes,
                    scope=self.ctx.scope,
                )
                for tag in self.tags
            ]
            for service, repository in repositories(pattern, list(self.images)).items()
        }

    def _archive(self, where: ArchiveTarget) -> Pushed:
        path = self.ctx.path(where.archive)
        name = references.path_component(self.ctx.project.name)
        names = {
            f"{repository.familiar}:{tag}": self.images[service]
            for service, repository in repositories(name, list(self.images)).items()
            for tag in self.tags
        }
        digest = save_archive(names, path, self.names, self.ctx.scope)
        return {
            service: [PushedImage(ref=str(path), digest=digest, image=image)]
            for service, image in self.images.items()
        }

    def _bytes(self, done: int, total: int) -> None:
        self.ctx.progress(f"pushing to {self.where.title}", done=done, total=total, unit="bytes")

    def _line(self, line: str) -> None:
        self.ctx.log(line, step=self.where.title)


def _built_images(images: Images) -> dict[str, str]:
    return {service: image.id for service, image in images.services.items() if image.built}


def _tested_images(ctx: Context) -> dict[str, str]:
    """Service → id of what was built, and tested if the pipeline tests.

    Raises:
        StageFailed: the smoke tests were asked of other images.
    """
    built, smoke = _built_images(ctx.get(Images)), ctx.find(SmokeReport)
    if smoke is None:
        return built
    for service in [service for service in built if service not in smoke.images]:
        ctx.notice(f"{service} is no part of the tested app, so its image is not pushed")
        del built[service]
    for service, image in built.items():
        if smoke.images[service] != image:
            raise StageFailed(
                f"the image of {service} is not the tested image: {smoke.images[service][7:19]} "
                f"was tested, {image[7:19]} was to be pushed",
                hint="Test it first: `dockcycle run --from run`.",
            )
    return built


def _all_or_failure(ctx: Context, outcomes: Mapping[_Delivery, Future[Pushed]]) -> list[Pushed]:
    """What every target took; or the first failure, after the others' outcomes have been told."""
    failures: list[DockcycleError] = []
    pushed: list[Pushed] = []
    for delivery, outcome in outcomes.items():
        try:
            pushed.append(outcome.result())
        except Cancelled:
            raise
        except DockcycleError as error:
            failures.append(error)
            if len(failures) > 1:
                ctx.notice(f"{delivery.where.title}: {error.message}", level="error",
                           hint=error.hint)  # fmt: skip
    if not failures:
        return pushed
    for refs in ([one.ref for found in each.values() for one in found] for each in pushed):
        ctx.notice(f"pushed all the same: {', '.join(dict.fromkeys(refs))}")
    raise failures[0]
