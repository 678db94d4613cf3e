"""Stage 1: the code that is to be shipped, and the project's own checks of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from pipeline.artifacts import Artifact, CheckReport, Source
from pipeline.errors import DockcycleError
from pipeline.kit.git_names import Revision, check_url
from pipeline.kit.hashing import fingerprint
from pipeline.kit.labels import select
from pipeline.stage import Context, Stage, StageOptions
from stages._code_checks import Check, Checks
from stages._code_images import CheckImages
from stages._code_source import Taken, describe, inputs, listed, still_there, take


class CodeOptions(StageOptions):
    path: Annotated[str, Field(min_length=1)] = "."
    """Folder of the app: relative to pipeline.yml, or to the checkout of `git`."""
    git: Annotated[str, AfterValidator(check_url)] | None = None
    """Take the code from this repository and not from the folder of pipeline.yml; credentials as
    `https://{secret:NAME}@…`."""
    ref: Revision | None = None
    """Branch, tag or commit of `git`; its default branch without."""
    depth: Annotated[int, Field(ge=1)] | None = None
    """Fetch only that many commits of history; all of it without."""
    submodules: bool = False
    """Fetch the submodules of `git` too."""
    clean: bool = False
    """Build exactly what is committed, whatever the work tree looks like."""
    checks: tuple[str | Check, ...] = ()
    """Commands that must succeed, in this order: unit tests, linters."""

    @model_validator(mode="after")
    def _belongs_together(self) -> CodeOptions:
        for key, value in (
            ("ref", self.ref),
            ("depth", self.depth),
            ("submodules", self.submodules),
        ):
            if value and self.git is None:
                raise ValueError(f"`{key}:` says something about `git:`, which is not there")
        if self.git and (self.path.startswith("/") or ".." in self.path.split("/")):
            raise ValueError("`path:` leads out of the checkout of `git:`")
        return self

    @property
    def all_checks(self) -> tuple[Check, ...]:
        return tuple(Check(run=c) if isinstance(c, str) else c for c in self.checks)


class CodeStage(Stage[CodeOptions]):
    name: ClassVar[str] = "code"
    summary: ClassVar[str] = "Takes the code, and runs the project's own checks"
    Options = CodeOptions
    makes = frozenset({Source, CheckReport})
    default_timeout = 1800.0

    def run(self, ctx: Context) -> Sequence[Artifact]:
        taken = take(ctx, self.options)
        source = describe(ctx, taken)  # refuses what no build could use, before any command runs
        report = self._check(ctx, taken, source)
        if any(check.inside is None for check in self.options.all_checks):
            source = describe(ctx, taken)  # a command may have changed what the build sees
        return [source, report]

    def _check(self, ctx: Context, taken: Taken, source: Source) -> CheckReport:
        with CheckImages(ctx, source, listed(ctx, taken)) as images:
            return Checks(ctx, source, images).run(self.options.all_checks)

    def fingerprint(self, ctx: Context) -> str | None:
        try:
            return fingerprint(self.options, inputs(ctx, self.options))
        except DockcycleError:
            return None  # let it run, and say what is wrong

    def still_valid(self, ctx: Context, artifacts: Sequence[Artifact]) -> bool:
        try:
            return all(still_there(ctx, made) for made in artifacts if isinstance(made, Source))
        except DockcycleError:
            return False  # a checkout of ours that is broken is made anew

    def cleanup(self, ctx: Context) -> None:
        if any(check.inside for check in self.options.all_checks):
            for image in ctx.ports.engine.images(select(ctx.project.name, "check", run=ctx.run)):
                ctx.ports.engine.remove_image(image.id, force=True)
