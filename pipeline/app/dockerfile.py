"""The Dockerfiles of a project: what each is, what dockcycle would write, and writing it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.app.drafted import Desk
from pipeline.errors import StageFailed, UsageError
from pipeline.kit import drafts
from pipeline.kit.dockerfile import ownership
from pipeline.kit.dockerfile.secrets import without_secrets
from pipeline.kit.drafts import Draft, Place
from pipeline.kit.files import replace_text
from pipeline.kit.names import did_you_mean

State = Literal["missing", "current", "outdated", "edited", "own", "inline"]
"""``current`` and ``outdated`` are ours; ``edited`` was ours once."""


@dataclass(frozen=True)
class File:
    """A Dockerfile as it is, and as dockcycle would write it."""

    service: str
    place: Place
    state: State
    there: str
    """Its text; empty for a missing one."""
    draft: Draft | None
    """None when nothing can be written: then ``problem`` says why."""
    problem: StageFailed | None = None

    @property
    def is_users(self) -> bool:
        return self.state in ("edited", "own", "inline")

    def difference(self) -> list[str]:
        """A unified diff from the file to what dockcycle would write, the header left out."""
        if self.draft is None:
            return []
        return diff(
            ownership.unsigned(self.there), ownership.unsigned(self.draft.text),
            self.place.path.name, "generated",
        )  # fmt: skip


@dataclass(frozen=True)
class Done:
    """What became of one file."""

    path: Path
    what: Literal["wrote", "updated", "kept", "replaced", "adopted", "current"]


def look(desk: Desk, services: Sequence[str] = ()) -> list[File]:
    """Every Dockerfile of the project, or of ``services``; one that several share comes once.

    Raises:
        UsageError: there is no such service.
        StageFailed: one that is not there cannot be generated.
    """
    known = desk.places.services
    for name in services:
        if name not in known:
            raise UsageError(f"there is no service {name}", hint=did_you_mean(name, known))
    found: dict[tuple[Path, str | None], File] = {}
    for service, place in known.items():
        if not services or service in services:
            found.setdefault((place.path, place.inline), _look(service, place))
    return list(found.values())


def _look(service: str, place: Place) -> File:
    if place.inline is not None:
        return File(service, place, "inline", place.inline, None)
    there = drafts.read(place.path)
    ours = there is None or ownership.is_untouched(there)
    try:
        draft = place.fresh()
    except StageFailed as error:
        if ours:
            raise
        state: State = "edited" if ownership.is_signed(there or "") else "own"
        return File(service, place, state, there or "", None, error)
    return File(service, place, _state(there, draft), there or "", draft)


def _state(there: str | None, draft: Draft) -> State:
    if there is None:
        return "missing"
    if ownership.is_untouched(there):
        return "current" if there == draft.text else "outdated"
    return "edited" if ownership.is_signed(there) else "own"


def write(file: File, *, force: bool = False, adopt: bool = False) -> Iterator[Done]:
    """Bring the Dockerfile and its ignore file to what they should be: ours follow the code, the
    user's stay, unless ``force`` replaces the Dockerfile. ``adopt`` leaves both to the user.

    Raises:
        StageFailed: a file cannot be written, or there is nothing to replace it by.
    """
    if file.state == "inline":
        return
    if force and file.draft is None and file.problem is not None:
        raise file.problem
    yield _write_dockerfile(file, force=force, adopt=adopt)
    ignored = file.place.context / ".dockerignore"
    draft = file.draft or file.place.draft()
    if draft.ignore_file is None:
        yield _write(ignored, drafts.read(ignored), drafts.IGNORE_TEXT, adopt=adopt)


def _write_dockerfile(file: File, *, force: bool, adopt: bool) -> Done:
    path = file.place.path
    if file.draft is not None and (force or not file.is_users):
        there = None if file.state == "missing" else file.there
        done = _write(path, there, file.draft.text, adopt=adopt)
        return Done(path, "replaced") if file.is_users else done
    if adopt and file.state == "edited":
        replace_text(path, ownership.unsigned(file.there))
        return Done(path, "adopted")
    return Done(path, "kept")


def _write(path: Path, there: str | None, text: str, *, adopt: bool) -> Done:
    text = ownership.unsigned(text) if adopt else text
    if there == text:
        return Done(path, "current")
    replace_text(path, text)
    if there is None:
        return Done(path, "wrote")
    return Done(path, "adopted" if adopt else "updated")


def diff(before: str, after: str, old: str, new: str) -> list[str]:
    """A unified diff to look at: without line ends, and without what looks like a secret."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="")
    return [without_secrets(line) for line in lines]
