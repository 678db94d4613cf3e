"""Before a run: settle what earlier, dead runs of the project left."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.app.live import site_of
from pipeline.app.workspace import Workspace
from pipeline.errors import EngineRefused, EngineUnavailable, NotFound, StageFailed
from pipeline.kit.local_tags import LOCAL_TAG, take_back_tag
from pipeline.kit.releases import Site, converge, protecting_tag
from pipeline.kit.sweep import TEMPORARY_TAG, sweep
from pipeline.scope import Scope
from pipeline.store.records import RunRecord

CONVERGE_SECONDS = 120.0
"""What bringing the release in force back may take."""


def settle(workspace: Workspace, scope: Scope) -> list[str]:
    """Give dead runs their final state and remove their candidates. Called under the lock, so a
    run that the store calls running is dead.

    What is live is put right by ``converge`` when such a run is found. Returns lines for people.
    """
    store, name = workspace.store, workspace.head.name
    dead = [store.run(run.id) for run in store.runs(name, status="running", limit=1000)]
    told = [f"run {run.id} died; settling what it left" for run in dead]
    try:
        swept = sweep(
            workspace.ports.engine,
            name,
            client=workspace.home.client(),
            tags=_temporary_tags(dead),
        )
        if dead:
            limit = scope.child(CONVERGE_SECONDS, what="bringing the live release back")
            site = site_of(workspace, scope=limit)
            told += _converge(site)
            _take_names_back(site, dead)
    except EngineUnavailable:
        if not dead:
            return []  # the stage that needs the engine will say so
        raise
    for run in dead:
        store.finish(run.id, "lost", None, {})
    if swept.items:
        told.append(f"removed what an earlier run left: {swept}")
    return told


def _converge(site: Site) -> list[str]:
    try:
        return converge(site)
    except (StageFailed, EngineRefused, NotFound) as error:
        # No reason not to run: what follows may be the very version that mends it.
        return [f"the live release does not come back: {error.message}"]


def _temporary_tags(dead: Sequence[RunRecord]) -> list[str]:
    return sorted({e.key for run in dead for e in run.effects if e.kind == TEMPORARY_TAG})


def _take_names_back(site: Site, dead: Sequence[RunRecord]) -> None:
    """Names that dead runs gave to images, the last one first. What came into force keeps its own:
    there a run died after its work was done."""
    kept = site.ledger.releases()
    protecting = {
        protecting_tag(release, service) for release in kept for service in release.images
    }
    for run in dead:
        if run.id not in {release.run for release in kept}:
            for effect in reversed(run.effects):
                if effect.kind == LOCAL_TAG and effect.key not in protecting:
                    take_back_tag(site.engine, effect.key)
