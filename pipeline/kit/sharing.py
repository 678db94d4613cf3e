"""What a candidate has together with the live app: as little as possible, and it is told.

Named volumes are fresh in a candidate, so tests never touch live data. Folders of the host,
external volumes and external networks cannot be made again by themselves. By default a candidate
sees the former two read-only, and gets a private network in place of the latter.
"""

from __future__ import annotations

import hashlib
import re

from pipeline.artifacts import Frozen
from pipeline.kit.notes import Note


class Sharing(Frozen):
    """``candidate:`` in the options of ``run``. Each entry is a mount's source or target as it is
    written, or the name of a volume or network."""

    share: tuple[str, ...] = ()
    """Used together with the live app, for writing too."""
    fresh: tuple[str, ...] = ()
    """Replaced by an empty volume."""

    def is_shared(self, *names: str) -> bool:
        return any(_matches(name, self.share) for name in names)

    def is_fresh(self, *names: str) -> bool:
        return any(_matches(name, self.fresh) for name in names)


NOTHING = Sharing()
"""The default: nothing of the live app's is written to."""


def _matches(name: str, entries: tuple[str, ...]) -> bool:
    """``./data`` names ``/srv/app/data`` too: sources are absolute by the time they are asked."""
    return any(
        name == entry or (entry.startswith("./") and name.endswith(entry.removeprefix(".")))
        for entry in entries
    )


def shared_note(source: str, target: str, *, key: str) -> Note:
    """What is told of a mount that is read-only in the candidate."""
    return Note(
        message=f"{source} is the live app's too: the candidate sees it read-only at {target}",
        hint=f"`candidate: {{fresh: [{target}]}}` gives the candidate an empty one, "
        f"`share: [{target}]` lets it write.",
        key=key,
    )


def candidate_volume(candidate: str, source: str) -> str:
    """The name of a candidate's own volume in the place of ``source``: unique and readable."""
    readable = re.sub(r"[^a-zA-Z0-9_.-]+", "-", source).strip("-.")[-40:]
    distinct = hashlib.sha256(source.encode()).hexdigest()[:6]
    return f"{candidate}_{readable}-{distinct}"
