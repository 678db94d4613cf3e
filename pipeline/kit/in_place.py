"""Which run's app is known to be good where it runs in place, kept on the engine itself.

The record is a labelled volume. It is written when a whole run has succeeded; whatever else runs in
place is of a run that failed or died, and never comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from pipeline.artifacts import Frozen
from pipeline.kit.labels import RECORD, RUN, labels, select
from pipeline.ports import Engine, Journal


class Record(Frozen):
    run: str
    kind: Literal["container", "compose"]
    spec: Mapping[str, Any] = {}
    """Of Compose: the model, secrets as references, with which the project comes back."""
    images: Mapping[str, str] = {}
    """Service → image id."""


def read(engine: Engine, project: str) -> Record | None:
    """The last good run in place; None when there is none."""
    records = _volumes(engine, project)
    for name in sorted(records, reverse=True):  # run ids begin with their time
        try:
            return Record.model_validate_json(records[name])
        except ValidationError:  # of a later version: as good as none
            continue
    return None


def write(engine: Engine, project: str, record: Record, *, client: str, journal: Journal) -> None:
    """Replace the record. Killed half-way, either the old or the new one counts."""
    old = _volumes(engine, project)
    name = f"dockcycle-{project}-in-place-{record.run}"
    made = labels(project, "in-place", run=record.run, client=client)
    with journal.effect("record", name):
        engine.create_volume(name, {**made, RECORD: record.model_dump_json()})
    for other in set(old) - {name}:
        with journal.effect("record", other):
            engine.remove_volume(other)


def forget(engine: Engine, project: str, *, journal: Journal) -> None:
    """Remove the record: nothing runs in place any more."""
    for name in _volumes(engine, project):
        with journal.effect("record", name):
            engine.remove_volume(name)


def _volumes(engine: Engine, project: str) -> dict[str, str]:
    found = engine.volumes({**select(project, "in-place"), RECORD: ""})
    return {volume.name: volume.labels[RECORD] for volume in found}


def is_of(record: Record | None, labels_of_container: Mapping[str, str]) -> bool:
    """Was the container started by the run that the record names?"""
    return record is not None and labels_of_container.get(RUN) == record.run
