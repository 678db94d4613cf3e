"""Removing what nobody needs any more; called under the project's lock."""

from __future__ import annotations

from pipeline.app.images import Images
from pipeline.app.workspace import Workspace
from pipeline.kit.labels import select
from pipeline.kit.sweep import FLEETING, sweep


def prune(workspace: Workspace, *, keep_runs: int) -> list[str]:
    """Leftovers of dead runs of every client, unused images, old records; lines for people."""
    project = workspace.head.name
    swept = sweep(workspace.ports.engine, project, client=None)
    done = [f"removed {kind} {name}" for kind, name in swept.items]
    done += [f"removed image {_named(i.id, i.tags)}" for i in Images(workspace).prune()]
    forgotten = workspace.store.forget_project(project, keep=keep_runs)
    return done + ([f"forgot {forgotten} old runs"] if forgotten else [])


def would_prune(workspace: Workspace) -> list[str]:
    """What ``prune`` would remove from the engine."""
    engine, project = workspace.ports.engine, workspace.head.name
    found = [
        f"would remove {kind} {item.name}"
        for role in FLEETING
        for kind, items in (
            ("container", engine.containers(select(project, role))),
            ("network", engine.networks(select(project, role))),
            ("volume", engine.volumes(select(project, role))),
        )
        for item in items
    ]
    images = Images(workspace).unused()
    return found + [f"would remove image {_named(i.id, i.tags)}" for i in images]


def _named(image: str, tags: tuple[str, ...]) -> str:
    return f"{image[7:19]}{f' ({tags[0]})' if tags else ''}"
