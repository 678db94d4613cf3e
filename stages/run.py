"""Stage 4, run: start the new version, as a candidate beside the live one or in place.

One container (``_run_container``) or the user's own Compose project (``_run_compose``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import model_validator

from pipeline.artifacts import App, Artifact, Dockerfiles, Images, Source
from pipeline.kit.container_options import ContainerOptions, Names
from pipeline.kit.hashing import fingerprint
from pipeline.kit.ports_free import require_free_for
from pipeline.kit.sharing import NOTHING, Sharing
from pipeline.kit.units import Timeout
from pipeline.stage import Context, Stage, StageOptions
from stages._run_compose import ComposeRun
from stages._run_container import ContainerRun

_WITH_COMPOSE = frozenset({
    "compose", "profiles", "services", "main", "port", "env_file", "candidate", "start_timeout",
})  # fmt: skip
_COMPOSE_ONLY = ("profiles", "services", "main")


class RunOptions(ContainerOptions, StageOptions):
    """One container, by the keys of ``ContainerOptions``, or a Compose project."""

    compose: Names = ()
    """The Compose file, or several that are merged in this order."""
    profiles: Names = ()
    """Compose profiles to use."""
    services: Names = ()
    """Only these, and what they depend on."""
    main: str | None = None
    """The service that smoke checks and links mean when none is named."""
    candidate: Sharing = NOTHING
    """What the candidate shares with the live app, or gets empty."""
    start_timeout: Timeout = 120.0
    """How long it may take until everything is up."""

    @model_validator(mode="after")
    def _one_kind(self) -> RunOptions:
        given = self.model_fields_set
        if self.compose and (wrong := sorted(given - _WITH_COMPOSE)):
            raise ValueError(
                f"{', '.join(wrong)}: with `compose:` this is said in the Compose file"
            )
        if not self.compose and (wrong := [key for key in _COMPOSE_ONLY if key in given]):
            raise ValueError(f"{', '.join(wrong)}: has a meaning with `compose:` only")
        return self


class RunStage(Stage[RunOptions]):
    name: ClassVar[str] = "run"
    summary: ClassVar[str] = "start the new version beside the live one, or in place"
    Options: ClassVar[type[StageOptions]] = RunOptions
    needs = frozenset({Images})
    wants = frozenset({Source, Dockerfiles})
    makes = frozenset({App})

    _app: App | None = None
    """What this object's ``run`` has started."""

    def run(self, ctx: Context) -> Sequence[Artifact]:
        self._app = self._of_kind(ctx).start()
        return [self._app]

    def preflight(self, ctx: Context) -> None:
        """Without ``operate`` its ports are those that people use."""
        engine, wanted = ctx.ports.engine, () if ctx.goes_live else self.options.ports
        engine.info()
        require_free_for(ctx.project.name, wanted, engine=engine, http=ctx.ports.http)

    def fingerprint(self, ctx: Context) -> str | None:
        return fingerprint(self.options, ctx.goes_live, self._of_kind(ctx).inputs())

    def still_valid(self, ctx: Context, artifacts: Sequence[Artifact]) -> bool:
        app = next((artifact for artifact in artifacts if isinstance(artifact, App)), None)
        return app is not None and self._of_kind(ctx).still_up(app)

    def scaffolding(self, ctx: Context) -> bool:
        return ctx.goes_live

    def cleanup(self, ctx: Context) -> None:
        self._of_kind(ctx).undo()

    def finish(self, ctx: Context) -> None:
        if self._app is not None:
            self._of_kind(ctx).settle(self._app)

    def _of_kind(self, ctx: Context) -> ContainerRun | ComposeRun:
        kind = ComposeRun if self.options.compose else ContainerRun
        return kind(ctx, self.options)
