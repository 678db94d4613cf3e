"""Words for the shell's completion; without a project or a record there are just none."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

RECENT = 20


def stages(incomplete: str) -> list[str]:
    """Keys of the stages of the pipeline file here, else the usual ones."""
    from pipeline.app.workspace import Request, Workspace
    from pipeline.errors import DockcycleError
    from pipeline.kit.names import STAGES

    try:
        workspace = Workspace(Request(directory=Path.cwd(), environ=dict(os.environ)))
        keys: Iterable[str] = [entry.key for entry in workspace.pipeline.entries]
    except DockcycleError:
        keys = STAGES
    return [key for key in keys if key.startswith(incomplete)]


def runs(incomplete: str) -> list[str]:
    """Ids of recent runs, the releases that they made, and ``latest``."""
    from pipeline.errors import DockcycleError
    from pipeline.store import Home, Store

    home = Home.find(os.environ)
    if not home.database.exists():
        return []
    try:
        recent = Store(home).runs(limit=RECENT)
    except DockcycleError:
        return []
    releases = [release for run in recent if (release := run.outcome.get("release"))]
    words = dict.fromkeys(["latest", *releases, *(run.id for run in recent)])
    return [word for word in words if word.startswith(incomplete)]
