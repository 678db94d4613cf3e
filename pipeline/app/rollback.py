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
from pipeline.kit.releases import Site, converge, go_live, swaps_without_gap, verifier
from pipeline.planner import Plan, Step
from pipeline.runner import RunResult
from pipeline.stage import Context, Stage, StageOptions

KEEP_ALL = 1000
"""A rollback forgets no release: what one rolls back from may be wanted again."""


@dataclass(frozen=True)
class Choice:
    """What a rollback would do."""

    current: Release | None
    target: Release

    @property
    def changes(self) -> list[Change]:
        """What would differ from now."""
        return compare_releases(self.current, self.target) if self.current else []

    @property
    def gapless(self) -> bool:
        """Would requests be answered all the while, as far as the records say?"""
        return swaps_without_gap(self.current, self.target)


def choose(workspace: Workspace, name: str | None) -> Choice:
    """The release to bring back: the last good one before the one in force, or the named one.

    Raises:
        NotFound: there is none.
    """
    ledger = site_of(workspace).ledger
    current = ledger.current()
    target = ledger.find(name) if name else ledger.previous()
    return Choice(current.release if current else None, target)


def roll_back(
    workspace: Workspace, name: str | None, renderers: Sequence[Sink], *, wait: float = 0.0,
    run: str | None = None,
) -> RunResult:  # fmt: skip
    """Bring a release back: the same swap, the same checks and the same record as of a new one.
    ``run`` is its id, if that must be known beforehand.

    Raises:
        NotFound: there is no such release.
        Locked: a run is under way.
    """
    with started(workspace, "rollback", wait, renderers, run) as (began, scope):
        target = choose(workspace, name).target
        stage = RollbackStage(RollbackOptions(release=target.id))
        entry = Entry.of(stage, "rollback")
        step = Step(entry, stage, "run", f"back to {target.id}")
        return execute(workspace, began, Plan((step,)), scope, renderers)


class RollbackOptions(StageOptions):
    release: str


class RollbackStage(Stage[RollbackOptions]):
    """Puts a kept release in the place of the one in force."""

    name: ClassVar[str] = "rollback"
    Options = RollbackOptions
    makes = frozenset({Release})
    releases = True

    def run(self, ctx: Context) -> Sequence[Artifact]:
        site = Site.of(ctx)
        release = site.ledger.find(self.options.release)
        verify = verifier(release, site, ctx.smoked)
        went = go_live(site, release, reason="rollback", keep=KEEP_ALL, verify=verify)
        if went.previous:
            ctx.notice(f"{release.id} is back{went.how}, {went.previous.id} stays ready")
        return [went.release]

    def cleanup(self, ctx: Context) -> None:
        """As of operate."""
        converge(Site.of(ctx))
