"""A Compose project of ours, or somebody else's of the same name."""

from __future__ import annotations

from pipeline.errors import EngineRefused
from pipeline.kit.labels import PROJECT
from pipeline.kit.observer import project_containers
from pipeline.ports import Engine


def require_own_project(engine: Engine, project: str) -> None:
    """Compose would take over what carries the project's name, whoever started it.

    Raises:
        EngineRefused: somebody else started something of it.
    """
    present = [c for found in project_containers(engine, project).values() for c in found]
    foreign = [c.name for c in present if c.labels.get(PROJECT) != project]
    if foreign:
        raise EngineRefused(
            f"there is a Compose project {project} that dockcycle did not start "
            f"({', '.join(foreign)})",
            hint=f"Take it down (`docker compose -p {project} down`; volumes stay), or give the "
            "project another `name:`.",
        )
