"""What a supervisor has to say of services, kept on the engine, where every client sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pipeline.kit.labels import RELEASE, SERVICE, labels, select
from pipeline.kit.releases.ledger import Activation
from pipeline.ports import Engine

STATE, REASON = "dockcycle.state", "dockcycle.reason"
LONGEST = 500
"""Characters of a reason."""


@dataclass(frozen=True)
class Note:
    """``degraded``: it is not repaired any more, for now. ``stopped``: somebody stopped it by hand,
    and it stays so. Valid as long as ``release`` is in force."""

    service: str
    release: str
    state: Literal["degraded", "stopped"]
    reason: str
    since: str = ""
    """When the engine took it down, ISO 8601."""


def notes(engine: Engine, project: str) -> dict[str, Note]:
    """Service → its note."""
    found = {}
    for volume in engine.volumes(select(project, "note")):
        marks = volume.labels
        found[marks.get(SERVICE, "")] = Note(
            service=marks.get(SERVICE, ""),
            release=marks.get(RELEASE, ""),
            state="stopped" if marks.get(STATE) == "stopped" else "degraded",
            reason=marks.get(REASON, ""),
            since=volume.created,
        )
    return found


def standing(engine: Engine, project: str, current: Activation | None) -> dict[str, Note]:
    """Those that are about what is in force: put live again, a release starts with a clean slate,
    whether or not a supervisor has noticed."""
    if current is None or current.state == "stopped":
        return {}
    return {
        service: note
        for service, note in notes(engine, project).items()
        if note.release == current.release.id and note.since >= current.created
    }


def write(engine: Engine, project: str, note: Note) -> None:
    """Put ``note`` in the place of the one of its service. Idempotent."""
    marks = labels(project, "note", service=note.service, release=note.release)
    marks |= {STATE: note.state, REASON: note.reason[:LONGEST]}
    made = engine.create_volume(_name(project, note.service), marks)
    if {key: made.labels.get(key) for key in marks} != marks:
        engine.remove_volume(made.name)
        engine.create_volume(made.name, marks)


def forget(engine: Engine, project: str, services: Iterable[str] | None = None) -> None:
    """Remove the notes of ``services``; of all for None."""
    for service in notes(engine, project) if services is None else services:
        engine.remove_volume(_name(project, service))


def _name(project: str, service: str) -> str:
    return f"dockcycle.{project}.note.{service}"
