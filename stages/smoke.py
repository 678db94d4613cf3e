"""Stage 5: the candidate is asked what it must answer, before anything leaves this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from pipeline.artifacts import App, Artifact, Images, SmokeReport
from pipeline.errors import StageFailed
from pipeline.kit.checks import (
    Checks,
    Patience,
    default_checks,
    dump,
    run_checks,
    running_images,
)
from pipeline.kit.hashing import fingerprint
from pipeline.kit.units import Timeout
from pipeline.stage import Context, Stage, StageOptions


class SmokeOptions(StageOptions):
    checks: Annotated[
        Checks,
        Field(description="What to ask, in order. Without any: see docs/stages/smoke.md."),
    ] = ()
    within: Annotated[Timeout, Field(description="Time for all checks together.")] = 60.0
    interval: Annotated[Timeout, Field(description="Longest pause between two attempts.")] = 1.0
    consecutive: int = Field(
        1, ge=1, le=100, description="Right answers in a row that a check needs to pass."
    )


class SmokeStage(Stage[SmokeOptions]):
    """See docs/stages/smoke.md."""

    name: ClassVar[str] = "smoke"
    summary: ClassVar[str] = "asks the new version what it must answer"
    Options = SmokeOptions
    needs = frozenset({App, Images})
    makes = frozenset({SmokeReport})

    def run(self, ctx: Context) -> Sequence[Artifact]:
        app, engine = ctx.get(App), ctx.ports.engine
        checks = self.options.checks or default_checks(app, engine)
        results = run_checks(
            checks,
            app,
            ports=ctx.ports,
            scope=ctx.scope,
            patience=Patience(self.options.within, self.options.interval, self.options.consecutive),
            expand=ctx.secrets.expand,
            report=ctx.smoked,
            progress=ctx.progress,
        )
        tested = running_images(app, engine)
        _same_as_built(tested, ctx.get(Images))
        return [SmokeReport(images=tested, results=results, checks=dump(checks))]

    def fingerprint(self, ctx: Context) -> str | None:
        app, images = ctx.get(App), ctx.get(Images)
        built = {service: image.id for service, image in images.services.items()}
        return fingerprint(self.options, built, app.kind, app.spec, app.environment)


def _same_as_built(tested: dict[str, str], images: Images) -> None:
    """What answered must be what was built, or the report would speak of something else."""
    for service, image in images.services.items():
        if tested.get(service, image.id) != image.id:
            raise StageFailed(
                f"the container of {service} runs another image ({tested[service][7:19]}) than "
                f"the one that was built ({image.id[7:19]})",
                hint="Something replaced the container during the run; run again.",
            )
