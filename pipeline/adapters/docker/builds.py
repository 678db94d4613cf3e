"""Building: by buildx where it is installed, else by the engine itself."""

from __future__ import annotations

import re

from pipeline.adapters.buildx import Buildx, Outcome, run_buildx
from pipeline.adapters.buildx_check import run_checks
from pipeline.adapters.docker.client import Client
from pipeline.adapters.docker.engine_build import (
    INSTALL,
    check_possible,
    find_line,
    run_engine_build,
    tell_losses,
)
from pipeline.adapters.docker.errors import registry_error
from pipeline.adapters.docker.images import find_image
from pipeline.adapters.docker.mapping import stores_manifests
from pipeline.adapters.docker.plugins import find_plugin, plugin_version
from pipeline.adapters.docker.solve import Steps
from pipeline.adapters.guard import while_alive
from pipeline.artifacts import Finding
from pipeline.errors import DockcycleError, Location, StageFailed
from pipeline.kit.text import tail
from pipeline.ports.engine import BuildListener, BuildRequest, ImageInfo
from pipeline.scope import Scope

_LAST = 50
"""Lines of output that an error carries."""
_SHOWN = 120
"""Characters of an instruction in a message."""
_PULL = re.compile(r"failed to resolve source metadata for (?P<ref>\S+?):? ")
_PARSE_ERROR = re.compile(r"parse error on line (\d+)")
_NO_SESSION = "no active sessions"
_HINTS = (
    (_NO_SESSION, INSTALL),
    ("exec format error", "This machine cannot run programs of that platform: install QEMU, "
     "`docker run --privileged --rm tonistiigi/binfmt --install all`."),
    ("no space left on device", "`docker system df` shows what takes the space, `docker builder "
     "prune` frees the build cache."),
    ("failed to calculate checksum", "The path is taken from the build context, and what "
     ".dockerignore excludes is not in it."),
)  # fmt: skip


class Builds:
    """The part of the engine port about building."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def build(self, request: BuildRequest, listener: BuildListener, scope: Scope) -> ImageInfo:
        scope.check()
        if len(request.platforms) > 1:
            self._check_platforms()
        buildx = self._buildx()
        if buildx is None:
            return self._build_by_engine(request, listener, scope)
        with while_alive(scope, self._client.ping) as inner:
            environment = self._client.endpoint.environment()
            outcome = run_buildx(buildx, request, environment, listener, inner)
        if outcome.exit_code != 0:
            self._client.ping()  # an engine that went away is the cause of any error
            raise _failure(request, outcome.steps, outcome.error, outcome.line)
        return self._built(outcome)

    def check(self, request: BuildRequest, scope: Scope) -> list[Finding] | None:
        buildx = self._buildx()
        if buildx is None:
            return None
        with while_alive(scope, self._client.ping) as inner:
            return run_checks(buildx, request, self._client.endpoint.environment(), inner)

    def _buildx(self) -> Buildx | None:
        config = self._client.endpoint.config
        program, version = find_plugin("buildx", config), plugin_version("buildx", config)
        return Buildx(str(program), version) if program and version else None

    def _build_by_engine(
        self, request: BuildRequest, listener: BuildListener, scope: Scope
    ) -> ImageInfo:
        if self._stores_manifests():
            raise StageFailed("an engine with the containerd image store builds by buildx only",
                              hint=INSTALL)  # fmt: skip
        check_possible(request)
        tell_losses(request, listener)
        image, error, steps = run_engine_build(self._client, request, listener, scope)
        found = find_image(self._client, image) if image else None
        if found is None:
            failed = steps.failed
            line = find_line(request.dockerfile_text, failed.instruction) if failed else None
            raise _failure(request, steps, error or "the engine named no image", line)
        return found

    def _built(self, outcome: Outcome) -> ImageInfo:
        for candidate in outcome.candidates:
            found = find_image(self._client, candidate)
            if found is not None:
                return found
        raise StageFailed(
            "the image was built, but the engine does not have it",
            hint="The builder in use does not load into this engine: `docker buildx use default`.",
            detail="\n".join(outcome.messages),
        )

    def _check_platforms(self) -> None:
        if not self._stores_manifests():
            raise StageFailed(
                "this engine's image store holds one platform per image",
                hint="Turn on the containerd image store "
                "(https://docs.docker.com/engine/storage/containerd/), or name one platform.",
            )

    def _stores_manifests(self) -> bool:
        return stores_manifests(self._client.ask(lambda api: api.info()))


def _failure(request: BuildRequest, steps: Steps, error: str, line: int | None) -> DockcycleError:
    """The error for a build that broke."""
    if line is None and (parse_error := _PARSE_ERROR.search(error)):
        line = int(parse_error[1])
    where = Location(request.dockerfile_name, line) if line else None
    failed = steps.failed
    if (base := _PULL.search(error)) and _NO_SESSION not in error:
        failure = registry_error(base["ref"], error)
        failure.where = where
        return failure
    hint = next((hint for sign, hint in _HINTS if sign in error), "")
    if failed is None:
        return StageFailed(f"the build failed: {error.strip()}", hint=hint, where=where)
    instruction = failed.instruction
    shown = instruction if len(instruction) <= _SHOWN else f"{instruction[: _SHOWN - 1]}…"
    return StageFailed(
        f"{shown} failed: {failed.reason}", hint=hint, where=where,
        detail=tail(failed.output.splitlines(), _LAST),
    )  # fmt: skip
