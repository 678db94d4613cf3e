"""Before a run: settle what earlier runs of the project left, the dead and the untidy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.app.live import site_of
from pipeline.app.workspace import Workspace
from pipeline.errors import EngineRefused, EngineUnavailable, NotFound, StageFailed
from pipeline.kit.local_tags import LOCAL_TAG, take_back_tag
from pipeline.kit.releases import Site, converge, held, protecting_tag
from pipeline.kit.sweep import TEMPORARY_TAG, sweep
from pipeline.scope import Scope
from pipeline.store.records import EffectRecord, RunRecord
from pipeline.store.store import CLEAN_UP, RUNNING, Store

CONVERGE_SECONDS = 120.0
"""What bringing the release in force back may take."""


def settle(workspace: Workspace, scope: Scope) -> list[str]:
    """Give dead runs their final state, and remove what they, and those that could not tidy up,
    have left. Called under the lock, so a run that the store calls running is dead.

    What is live is put right by ``converge`` when there is such a run. Returns lines for people.

    Raises:
        EngineUnavailable: there is something to settle, and no engine to do it on.
    """
    here = site_of(workspace, scope=scope)
    serving = [site_of(place, scope=scope) for place in workspace.serving()]
    if not workspace.store.unsettled(here.project):
        return settle_project(workspace.store, here, serving)
    with held(serving, "settling what a dead run left", wait=CONVERGE_SECONDS) as serving:
        return settle_project(workspace.store, here, serving)


def settle_project(store: Store, site: Site, serving: Sequence[Site] = ()) -> list[str]:
    """See ``settle``. ``site`` is where it is built and tested, ``serving`` where else it serves
    (there, if nothing is named)."""
    left, serving = store.unsettled(site.project), serving or [site]
    told = [_announced(run) for run in left]
    try:
        swept = sweep(site.engine, site.project, client=site.client, tags=_temporary_tags(left))
        if left:
            for place in serving:
                limit = site.scope.child(CONVERGE_SECONDS, what="bringing the live release back")
                told += _converge(replace(place, scope=limit))
            _take_names_back([site, *(place for place in serving if place.where)], serving, left)
    except EngineUnavailable:
        if not left:
            return []  # the stage that needs the engine will say so
        raise
    for run in left:
        store.finish(run.id, "lost", None, {})
        store.tidied(run.id)
    if swept.items:
        told.append(f"removed what an earlier run left: {swept}")
    return told


def _announced(run: RunRecord) -> str:
    what = "died" if run.status == RUNNING else "could not tidy up"
    return f"run {run.id} {what}; settling what it left"


def _effects(run: RunRecord, kind: str) -> list[EffectRecord]:
    """Effects of that kind, the last one first, of the stages that have not cleaned up."""
    untidy = {effect.stage for effect in run.effects if effect.open(CLEAN_UP)}
    return [
        effect
        for effect in reversed(run.effects)
        if effect.kind == kind and (run.status == RUNNING or effect.stage in untidy)
    ]


def _converge(site: Site) -> list[str]:
    try:
        return converge(site)
    except (StageFailed, EngineRefused, NotFound) as error:
        # No reason not to run: what follows may be the very version that mends it.
        return [f"the live release does not come back: {error.message}"]


def _temporary_tags(runs: Sequence[RunRecord]) -> list[str]:
    return sorted({effect.key for run in runs for effect in _effects(run, TEMPORARY_TAG)})


def _take_names_back(
    everywhere: Sequence[Site], serving: Sequence[Site], runs: Sequence[RunRecord]
) -> None:
    """Names that such runs gave to images. What came into force keeps its own: there a run died
    after its work was done."""
    kept = [release for site in serving for release in site.ledger.releases()]
    protecting = {
        protecting_tag(release, service) for release in kept for service in release.images
    }
    for run in runs:
        if run.status != "passed" and run.id not in {release.run for release in kept}:
            for effect in _effects(run, LOCAL_TAG):
                if effect.key not in protecting:
                    for site in everywhere:
                        take_back_tag(site.engine, effect.key)
