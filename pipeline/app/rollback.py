"""Bringing an earlier release back: a run of one stage, with record, events and cleanup as any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pipeline.app.diff import Change, compare_releases
from pipeline.app.live import site_of
from pipeline.app.running import execute, started
from pipeline.app.workspace import Workspace
from pipeline.artifacts import Artifact, Release
from pipeline.config import Entry
from pipeline.events import Sink
from pipeline.kit.releases import (
    KEEP_ALL,
    Part,
    Site,
    converge,
    held,
    roll_out,
    swaps_without_gap,
    verifier,
)
from pipeline.planner import Plan, Step
from pipeline.runner import RunResult
from pipeline.stage import Context, Stage, StageOptions

PATIENCE = 600.0
"""Seconds for another client of an engine to end its work there; the stage's limit counts too."""


@dataclass(frozen=True)
class Choice:
    """What a rollback would do."""

    current: Release | None
    target: Release
    engine: str = ""
    """Where, as pipeline.yml names it."""

    @property
    def changes(self) -> list[Change]:
        """What would differ from now."""
        return compare_releases(self.current, self.target) if self.current else []

    @property
    def gapless(self) -> bool:
        """Would requests be answered all the while, as far as the records say?"""
        return swaps_without_gap(self.current, self.target)


def choose(workspace: Workspace, name: str | None, engine: str | None = None) -> list[Choice]:
    """The release to bring back, for each engine that serves: the last good one before the one in
    force on the first, or the named one.

    Raises:
        NotFound: there is none, on one of them.
    """
    found: list[Choice] = []
    for place in workspace.serving(engine):
        ledger = site_of(place).ledger
        current = ledger.current()
        name = name or ledger.previous().id
        found.append(Choice(current.release if current else None, ledger.find(name), place.engine))
    return found


def roll_back(
    workspace: Workspace, name: str | None, renderers: Sequence[Sink], *, wait: float = 0.0,
    run: str | None = None, engine: str | None = None,
) -> RunResult:  # fmt: skip
    """Bring a release back: the same swap, the same checks and the same record as of a new one.
    ``run`` is its id, if that must be known beforehand; ``engine`` the only one where it is done.

    Raises:
        NotFound: there is no such release.
        Locked: a run is under way.
    """
    with started(workspace, "rollback", wait, renderers, run) as (began, scope):
        choices = choose(workspace, name, engine)
        target = choices[0].target
        places = tuple(choice.engine for choice in choices)
        stage = RollbackStage(RollbackOptions(release=target.id, engines=places))
        entry = Entry.of(stage, "rollback")
        step = Step(entry, stage, "run", f"back to {target.id}")
        return execute(workspace, began, Plan((step,)), scope, renderers)


class RollbackOptions(StageOptions):
    release: str
    engines: tuple[str, ...] = ("",)


class RollbackStage(Stage[RollbackOptions]):
    """Puts a kept release in the place of the one in force."""

    name: ClassVar[str] = "rollback"
    Options = RollbackOptions
    makes = frozenset({Release})
    releases = True

    def run(self, ctx: Context) -> Sequence[Artifact]:
        with held(self._sites(ctx), f"rollback {ctx.run}", wait=PATIENCE) as sites:
            parts = []
            for site in sites:
                release = site.ledger.find(self.options.release)
                parts.append(Part(site, release, verifier(release, site, ctx.smoked)))
            # It forgets no release: what one rolls back from may be wanted again.
            live = roll_out(parts, reason="rollback", keep=KEEP_ALL)
        for part, went in zip(parts, live, strict=True):
            if went.previous:
                place = f" on {part.site.where}" if part.site.where else ""
                ctx.notice(
                    f"{went.release.id} is back{place}{went.how}, {went.previous.id} stays ready"
                )
        return [live[0].release]

    def cleanup(self, ctx: Context) -> None:
        """As of operate."""
        with held(self._sites(ctx), f"rollback {ctx.run}", wait=PATIENCE) as sites:
            for site in sites:
                converge(site)

    def _sites(self, ctx: Context) -> list[Site]:
        return [Site.of(ctx, engine) for engine in self.options.engines]
