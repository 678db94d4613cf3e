"""Before a run: settle what earlier, dead runs of the project left."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.app.live import site_of
from pipeline.app.workspace import Workspace
from pipeline.errors import EngineUnavailable
from pipeline.kit.local_tags import LOCAL_TAG, take_back_tag
from pipeline.kit.releases import converge
from pipeline.kit.sweep import TEMPORARY_TAG, sweep
from pipeline.store.records import RunRecord


def settle(workspace: Workspace) -> list[str]:
    """Give dead runs their final state and remove their candidates. Called under the lock, so a
    run that the store calls running is dead.

    What is live is put right by ``converge`` when such a run is found. Returns lines for people.
    """
    store, name = workspace.store, workspace.pipeline.name
    dead = [store.run(run.id) for run in store.runs(name, status="running", limit=1000)]
    told = [f"run {run.id} died; settling what it left" for run in dead]
    try:
        swept = sweep(
            workspace.ports.engine,
            name,
            client=workspace.home.client(),
            tags=_temporary_tags(dead),
        )
        for key in _local_tags(dead):
            take_back_tag(workspace.ports.engine, key)
        if dead:
            told += converge(site_of(workspace))
    except EngineUnavailable:
        if not dead:
            return []  # the stage that needs the engine will say so
        raise
    for run in dead:
        store.finish(run.id, "lost", None, {})
    if swept.items:
        told.append(f"removed what an earlier run left: {swept}")
    return told


def _temporary_tags(dead: Sequence[RunRecord]) -> list[str]:
    return sorted({e.key for run in dead for e in run.effects if e.kind == TEMPORARY_TAG})


def _local_tags(dead: Sequence[RunRecord]) -> list[str]:
    """Names that dead runs gave to what they built, the last one first."""
    return [e.key for run in dead for e in reversed(run.effects) if e.kind == LOCAL_TAG]
