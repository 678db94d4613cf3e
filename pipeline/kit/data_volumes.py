"""The named volumes of a project that is one container: its data, which belongs to no run."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.artifacts import SINGLE
from pipeline.kit.container_spec import named_volumes
from pipeline.kit.labels import labels, select
from pipeline.ports import Engine, Journal
from pipeline.ports.engine import ContainerSpec


def data_labels(project: str) -> dict[str, str]:
    """The same in every run and release, for a volume keeps the labels that it was made with."""
    return labels(project, "live", service=SINGLE)


def ensure(
    engine: Engine, spec: ContainerSpec, marks: Mapping[str, str], *, journal: Journal
) -> None:
    """Make the volumes that ``spec`` mounts, with these labels, unless they are there: the engine
    itself would make them without any."""
    for name in named_volumes(spec):
        with journal.effect("volume", name):
            engine.create_volume(name, marks)


def erase(engine: Engine, project: str) -> list[str]:
    """Remove the project's data; the names of what was removed."""
    found = [volume.name for volume in engine.volumes(select(project, "live"))]
    for name in found:
        engine.remove_volume(name)
    return found
