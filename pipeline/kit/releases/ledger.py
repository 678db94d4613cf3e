"""The ledger of a project's releases, kept on the engine that serves it.

An *activation* says: from now on this release is live (or stopped, on purpose). It is one empty,
labelled volume, because creating one is atomic, every client of the engine sees it, and it
outlives containers. Its labels hold the release's whole record. The newest activation is in force;
the releases that can come back are those that have one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from pipeline.artifacts import Release
from pipeline.errors import EngineRefused, NotFound
from pipeline.kit.labels import RECORD, RELEASE, labels, select
from pipeline.ports import Engine, Journal
from pipeline.ports.engine import VolumeInfo

STATE = "dockcycle.state"
NUMBER = "dockcycle.number"
REASON = "dockcycle.reason"
NONCE = "dockcycle.nonce"
"""Tells a client whether the volume it asked for is the one that it made."""

State = Literal["live", "stopped"]
ATTEMPTS = 20


@dataclass(frozen=True)
class Activation:
    """One entry of the ledger. ``number`` counts up within a project."""

    number: int
    release: Release
    state: State
    reason: str
    """``release``, ``rollback``, ``stop`` or ``start``."""
    created: str
    """When the engine made it, ISO 8601."""


class Ledger:
    """Reads and writes the activations of one project on one engine."""

    def __init__(self, engine: Engine, project: str) -> None:
        self._engine = engine
        self._project = project

    def activations(self) -> list[Activation]:
        """All that are kept, oldest first."""
        volumes = self._engine.volumes(select(self._project, "record"))
        found = [entry for volume in volumes if (entry := _parse(volume))]
        return sorted(found, key=lambda entry: entry.number)

    def current(self) -> Activation | None:
        """The one in force."""
        entries = self.activations()
        return entries[-1] if entries else None

    def releases(self) -> list[Release]:
        """Those that can come back, the live one among them, newest first."""
        by_id = {entry.release.id: entry.release for entry in self.activations()}
        return sorted(by_id.values(), key=number_of, reverse=True)

    def find(self, name: str) -> Release:
        """By id (``r12``), by commit (or the start of it), or by a pushed tag.

        Raises:
            NotFound: none or several are meant.
        """
        kept = self.releases()
        matches = [r for r in kept if r.id == name] or [
            r for r in kept if len(name) >= 4 and (r.commit or "").startswith(name)
        ]
        if not matches:
            matches = [r for r in kept if any(name in _tags(r, service) for service in r.images)]
        if not matches:
            listed = ", ".join(r.id for r in kept) or "none"
            raise NotFound(
                f"{self._project} has no release {name!r}", hint=f"Kept releases: {listed}."
            )
        return matches[0]

    def previous(self) -> Release:
        """The last good one before the release in force.

        Raises:
            NotFound: there is nothing to go back to.
        """
        current = self.current()
        if current is None:
            raise NotFound(f"{self._project} has no release yet", hint="`dockcycle run` makes one.")
        older = [r for r in self.releases() if number_of(r) < number_of(current.release)]
        if not older:
            raise NotFound(
                f"{self._project} has no release before {current.release.id}",
                hint="`keep:` of the operate stage says how many are kept.",
            )
        return older[0]

    def next_id(self) -> str:
        """The id for a new release."""
        return f"r{max((number_of(r) for r in self.releases()), default=0) + 1}"

    def activate(
        self, release: Release, *, state: State, reason: str, run: str, client: str,
        journal: Journal,
    ) -> Activation:  # fmt: skip
        """Put ``release`` in force. Atomic: before it returns the old one is, after it the new."""
        latest = self.current()
        number = (latest.number if latest else 0) + 1
        nonce = secrets.token_hex(8)
        marks = labels(self._project, "record", run=run, client=client, release=release.id)
        marks |= {STATE: state, REASON: reason, NONCE: nonce, RECORD: release.model_dump_json()}
        for candidate in range(number, number + ATTEMPTS):
            name = f"dockcycle.{self._project}.{candidate:06d}"
            with journal.effect("activation", name):
                made = self._engine.create_volume(name, marks | {NUMBER: str(candidate)})
            if made.labels.get(NONCE) == nonce:
                return Activation(candidate, release, state, reason, made.created)
        raise EngineRefused(
            f"the ledger of {self._project} could not be written: others keep writing to it",
            hint="Let one client deploy at a time.",
        )

    def surplus(self, keep: int) -> list[Release]:
        """All but the newest ``keep`` releases and the one in force, newest first."""
        current = self.current()
        older = self.releases()[max(keep, 1) :]
        return [r for r in older if current is not None and r.id != current.release.id]

    def forget(self, release: Release) -> None:
        """It can no longer come back."""
        self._remove(entry for entry in self.activations() if entry.release.id == release.id)

    def shorten(self) -> None:
        """Keep only the newest activation of each release."""
        entries = self.activations()
        newest = {entry.release.id: entry.number for entry in entries}
        self._remove(entry for entry in entries if entry.number != newest[entry.release.id])

    def erase(self) -> None:
        """Forget the project."""
        for volume in self._engine.volumes(select(self._project, "record")):
            self._engine.remove_volume(volume.name)

    def _remove(self, entries: Iterable[Activation]) -> None:
        for entry in entries:
            self._engine.remove_volume(f"dockcycle.{self._project}.{entry.number:06d}")


def number_of(release: Release) -> int:
    """``r12`` → 12."""
    return int(release.id.removeprefix("r"))


def _tags(release: Release, service: str) -> set[str]:
    refs = release.tags.get(service, ())
    return {*refs, *(ref.rpartition(":")[2] for ref in refs)}


def _parse(volume: VolumeInfo) -> Activation | None:
    """None for a record that this version cannot read: it is left alone."""
    marks: Mapping[str, str] = volume.labels
    try:
        release = Release.model_validate_json(marks.get(RECORD, ""))
        number = int(marks.get(NUMBER, ""))
    except (ValidationError, ValueError):
        return None
    if release.id != marks.get(RELEASE):
        return None
    state: State = "stopped" if marks.get(STATE) == "stopped" else "live"
    return Activation(number, release, state, marks.get(REASON, ""), volume.created)
