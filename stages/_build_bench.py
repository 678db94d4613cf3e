"""Many builds and pulls at once, in the order that they need each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter

from pipeline.artifacts import Image
from pipeline.errors import Cancelled, DockcycleError, NotFound
from pipeline.kit import references
from pipeline.kit.compose_model import PullSpec
from pipeline.kit.local_tags import LocalTags
from pipeline.ports.engine import BuildRequest, BuildStep, ImageInfo
from pipeline.stage import Context

SERVICE = "service:"
"""How a named context says that it is another service's image."""
_TICK = 1.0
"""Seconds between two looks at the scope."""


@dataclass(frozen=True)
class Work:
    """What one run has to make."""

    requests: Mapping[str, BuildRequest]
    """Service → build."""
    pulls: Mapping[str, PullSpec]
    """Service → image from a registry."""
    names: Mapping[str, Sequence[str]]
    """Service → local names of what is built."""
    notices: Sequence[str]

    def before(self, service: str) -> tuple[str, ...]:
        """Services whose images it is built from."""
        request = self.requests.get(service)
        contexts = request.contexts.values() if request else ()
        return tuple(c.removeprefix(SERVICE) for c in contexts if c.startswith(SERVICE))

    @property
    def bases(self) -> frozenset[str]:
        """Services that others are built from."""
        return frozenset(base for service in self.requests for base in self.before(service))


class Bench:
    """Builds run in threads, ``parallel`` at a time; the first that fails ends the others."""

    def __init__(
        self, ctx: Context, work: Work, parallel: int, *, tags: LocalTags, built: list[str]
    ) -> None:
        """``built`` gets the id of every image as soon as it is there."""
        self._ctx = ctx.within(None, "build")
        self._work = work
        self._parallel = parallel
        self._tags = tags
        self._images: dict[str, Image] = {}
        self._built = built

    def make(self) -> Mapping[str, Image]:
        """Service → image. What others are built from gets its names at once, all else when all
        has succeeded.

        Raises:
            DockcycleError: of the build or pull that failed first.
        """
        order = TopologicalSorter({s: self._work.before(s) for s in self._services()})
        order.prepare()
        running: dict[Future[Image], str] = {}
        with ThreadPoolExecutor(self._parallel, "build") as pool:
            try:
                while order.is_active():
                    running |= {pool.submit(self._make, s): s for s in order.get_ready()}
                    for done in wait(running, timeout=_TICK, return_when=FIRST_COMPLETED).done:
                        service = running.pop(done)
                        self._images[service] = done.result()
                        if service in self._work.bases:
                            self._name(service)
                        order.done(service)
            finally:
                self._ctx.scope.cancel(Cancelled("another build failed"))
        for service in self._work.requests:
            self._name(service)
        return {service: self._images[service] for service in self._services()}

    def _name(self, service: str) -> None:
        for name in self._work.names[service]:
            self._tags.give(self._images[service].id, name)

    def _services(self) -> list[str]:
        return [*self._work.requests, *self._work.pulls]

    def _make(self, service: str) -> Image:
        try:
            if service in self._work.requests:
                return self._build(service)
            return self._pull(service, self._work.pulls[service])
        except DockcycleError as error:
            if len(self._services()) == 1 or isinstance(error, Cancelled):
                raise
            raise error.about(service) from error.__cause__

    def _build(self, service: str) -> Image:
        ctx = self._ctx
        request = self._work.requests[service]
        contexts = {
            name: f"docker-image://{self._work.names[place.removeprefix(SERVICE)][0]}"
            if place.startswith(SERVICE)
            else place
            for name, place in request.contexts.items()
        }
        prefix = f"{service} " if len(self._work.requests) > 1 else ""
        request = request.model_copy(update={"contexts": contexts})
        with ctx.journal.effect("build", service):
            made = ctx.ports.engine.build(request, Listener(ctx, prefix), ctx.scope)
        self._built.append(made.id)
        return _image(made, tags=tuple(self._work.names[service]))

    def _pull(self, service: str, wanted: PullSpec) -> Image:
        ctx = self._ctx
        name = wanted.name
        found = None if wanted.always else ctx.ports.engine.image(name)
        if found is None:
            if wanted.never:
                raise NotFound(
                    f"the engine has no {name}, and `pull_policy: never` forbids to get it"
                )
            ctx.progress(f"{service}: pulling {name}")
            auth = ctx.ports.credentials.lookup(references.parse(wanted.ref).host)
            with ctx.journal.effect("pull", name):
                found = ctx.ports.engine.pull(
                    name, auth, lambda line: ctx.log(line, step=service), ctx.scope
                )
        return _image(found, tags=(wanted.ref,), built=False)


class Listener:
    """Passes on what a build tells; ``prefix`` is put before the names of its steps."""

    def __init__(self, ctx: Context, prefix: str) -> None:
        self._ctx = ctx
        self._prefix = prefix

    def step(self, step: BuildStep) -> None:
        if step.name.startswith("[internal]"):
            return
        if step.state == "started":
            self._ctx.progress(f"{self._prefix}{step.name}")
        elif step.state == "cached":
            self._ctx.log(f"cached: {self._prefix}{step.name}")

    def line(self, step: str, text: str) -> None:
        self._ctx.log(text, step=f"{self._prefix}{step}")

    def notice(self, message: str, hint: str) -> None:
        self._ctx.notice(message, level="warning", hint=hint, rule="builder")


def _image(info: ImageInfo, *, tags: tuple[str, ...], built: bool = True) -> Image:
    platforms = (info.platform,) if info.platform else ()
    return Image(id=info.id, tags=tags, size=info.size, platforms=platforms, built=built)
