"""Stage 3: one image, or one for every service that a Compose project builds, side by side."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from pipeline.artifacts import Artifact, Dockerfiles, Image, Images, Source
from pipeline.errors import DockcycleError, UsageError
from pipeline.kit import building, compose_files, compose_model, lock
from pipeline.kit.building import BuildChoices
from pipeline.kit.compose_model import BuildSpec, PullSpec
from pipeline.kit.container_options import Names
from pipeline.kit.hashing import fingerprint
from pipeline.kit.local_tags import LocalTags, remove_nameless
from pipeline.kit.names import did_you_mean
from pipeline.kit.tags import TagPolicy, render_tags
from pipeline.ports.engine import ImageInfo
from pipeline.stage import Context, Stage, StageOptions
from stages._build_bench import Bench, Work


class BuildOptions(StageOptions, BuildChoices):
    tags: tuple[TagPolicy, ...] = ()
    """Of the images on the engine; the commit, or the content outside of git."""
    parallel: Annotated[int, Field(ge=1, le=16)] = 3
    """Builds at a time."""
    services: Names = ()
    """Only these of a Compose project, and what they are built from."""


class BuildStage(Stage[BuildOptions]):
    name: ClassVar[str] = "build"
    summary: ClassVar[str] = "Builds the image, or those of all Compose services, side by side"
    Options = BuildOptions
    needs = frozenset({Source, Dockerfiles})
    makes = frozenset({Images})
    default_timeout = 1800.0

    def __init__(self, options: BuildOptions) -> None:
        super().__init__(options)
        self._tags: LocalTags | None = None
        self._built: list[str] = []

    def run(self, ctx: Context) -> Sequence[Artifact]:
        work = self._work(ctx)
        for notice in work.notices:
            ctx.notice(notice)
        self._contents(ctx, work)
        self._tags = self._tags or LocalTags(ctx.ports.engine, ctx.journal)
        bench = Bench(ctx, work, self.options.parallel, tags=self._tags, built=self._built)
        images = bench.make()
        return [Images(services=images, engine=ctx.ports.engine.info().id)]

    def preflight(self, ctx: Context) -> None:
        ctx.ports.engine.info()

    def fingerprint(self, ctx: Context) -> str | None:
        if self.options.pull or self.options.no_cache:
            return None
        try:
            work = self._work(ctx)
            contents = self._contents(ctx, work)
        except DockcycleError:
            return None  # let it run, and say what is wrong
        if any(pull.always for pull in work.pulls.values()):
            return None
        requests = {
            service: (request.model_dump(exclude={"secrets"}), _digests(request.secrets))
            for service, request in work.requests.items()
        }
        source = ctx.get(Source).content
        pulls = {service: pull.name for service, pull in work.pulls.items()}
        return fingerprint(source, requests, contents, work.names, pulls)

    def still_valid(self, ctx: Context, artifacts: Sequence[Artifact]) -> bool:
        engine = ctx.ports.engine
        return all(
            _is_there(engine.image(name), image)
            for made in artifacts
            if isinstance(made, Images)
            for image in made.services.values()
            for name in (image.id, *(image.tags if image.built else ()))
        )

    def cleanup(self, ctx: Context) -> None:
        if self._tags is not None:
            self._tags.take_back()
        while self._built:
            remove_nameless(ctx.ports.engine, self._built[-1])
            self._built.pop()

    def finish(self, ctx: Context) -> None:
        if self._tags is not None:
            self._tags.keep()

    # what is to be done

    def _work(self, ctx: Context) -> Work:
        """All requests. Reads only."""
        source, dockerfiles = ctx.get(Source), ctx.get(Dockerfiles).services
        specs, pulls = self._compose(ctx, source)
        chosen = self._chosen(dockerfiles, specs)
        values = building.Values(
            ctx.secrets.names, ctx.secrets.get, {**os.environ, **ctx.variables}
        )
        notices: list[str] = []
        tags = render_tags(self.options.tags, source, ctx.ports.clock.now(), notices.append)
        requests, names = {}, {}
        for service in chosen:
            spec = specs.get(service)
            if spec is not None and spec.ignored:
                notices.append(f"{service}: {', '.join(spec.ignored)} of `build:` has no effect")
            requests[service] = building.request(
                service, dockerfiles[service], spec, self.options, project=ctx.project.name,
                source=source, values=values,
            )  # fmt: skip
            names[service] = building.local_names(ctx.project.name, service, tags)
        if locked := lock.read(ctx.project.directory):
            requests = {service: locked.request(made) for service, made in requests.items()}
            pulls = {service: locked.pull(wanted) for service, wanted in pulls.items()}
        return Work(requests, pulls, names, notices)

    def _compose(
        self, ctx: Context, source: Source
    ) -> tuple[Mapping[str, BuildSpec], Mapping[str, PullSpec]]:
        app = Path(source.path)
        files = compose_files.declared(ctx.peers, app=app, project=ctx.project.directory)
        if files is None:
            return {}, {}
        model = compose_files.resolve(
            ctx.ports.compose, files, project=ctx.project.name, variables=ctx.variables,
            secrets=ctx.secrets.names, scope=ctx.scope,
        )  # fmt: skip
        return compose_model.builds(model), compose_model.pulls(model)

    def _chosen(
        self, dockerfiles: Mapping[str, object], specs: Mapping[str, BuildSpec]
    ) -> list[str]:
        """Services to build, with those that they are built from.

        Raises:
            UsageError: one that is asked for does not exist, or they go round in a circle.
        """
        wanted = list(self.options.services or dockerfiles)
        graph: dict[str, tuple[str, ...]] = {}
        while wanted:
            service = wanted.pop()
            if service not in dockerfiles:
                hint = did_you_mean(service, dockerfiles)
                raise UsageError(f"there is no service {service} to build", hint=hint)
            graph[service] = specs[service].after if service in specs else ()
            wanted += [other for other in graph[service] if other not in graph]
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle = " from ".join(error.args[1])
            raise UsageError(f"services are built from each other: {circle}") from error
        return [service for service in dockerfiles if service in graph]

    def _contents(self, ctx: Context, work: Work) -> dict[str, str]:
        """Hashes over the folders that the source's own hash does not cover exactly."""
        found: dict[str, str] = {}
        for request in work.requests.values():
            folders = {request.context: request.ignore_text or ""}
            folders |= {place: "" for place in request.contexts.values() if place.startswith("/")}
            for folder, ignore in folders.items():
                if folder != ctx.get(Source).path and folder not in found:
                    found[folder] = building.content_of(folder, ignore, ctx.ports.repo)
        return found


def _is_there(found: ImageInfo | None, image: Image) -> bool:
    return found is not None and found.id == image.id


def _digests(secrets: Mapping[str, str]) -> dict[str, str]:
    """Secrets as they may go into a fingerprint, which is itself a hash."""
    return {mount: hashlib.sha256(value.encode()).hexdigest() for mount, value in secrets.items()}
