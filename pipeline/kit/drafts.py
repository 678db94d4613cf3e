"""What is in the Dockerfiles of a project: there, declared, or generated.

Everything here only reads; ``stages.dockerfile`` writes what is drafted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipeline.errors import Location, StageFailed
from pipeline.kit import authoring, ignore
from pipeline.kit.authoring import Authored, Reason, Wishes
from pipeline.kit.compose_model import BuildSpec, PullSpec
from pipeline.kit.dockerfile import declared, ownership, render
from pipeline.kit.dockerfile.declared import Entry

Origin = Literal["existing", "generated", "declared", "inline"]

IGNORE_TEXT = ownership.sign(ignore.DEFAULT_IGNORE)
"""The .dockerignore that is written where there is none."""


@dataclass(frozen=True)
class Draft:
    """One Dockerfile as it should be."""

    path: Path
    context: Path
    origin: Origin
    text: str
    ignore_file: Path | None
    """The ignore file in force that is the user's own; None where the default one is meant."""
    reasons: tuple[Reason, ...] = ()

    @property
    def is_ours(self) -> bool:
        return self.origin in ("generated", "declared")

    def files(self) -> dict[Path, str]:
        """What belongs into the work tree and is ours: path → text."""
        found = {self.path: self.text} if self.is_ours else {}
        if self.ignore_file is None:
            found[self.context / ".dockerignore"] = IGNORE_TEXT
        return found


@dataclass(frozen=True)
class Place:
    """Where a Dockerfile is, or is to be, and what decides on it. Paths are absolute."""

    path: Path
    context: Path
    wishes: Wishes = field(default_factory=Wishes)
    entries: tuple[Entry, ...] = ()
    target: str | None = None
    inline: str | None = None
    """Its text, when ``path`` is the Compose file that holds it."""
    reasons: tuple[Reason, ...] = ()
    """Why ``context`` is what it is, where nobody said it."""

    def draft(self) -> Draft:
        """A file that is there and is not ours as it is; else what ``fresh`` gives.

        Raises:
            StageFailed: there is a file of the user's own and a declaration too; or as ``fresh``.
        """
        if self.inline is not None:
            ignored = _users_ignore(self.context, None)
            return Draft(self.path, self.context, "inline", self.inline, ignored)
        there = read(self.path)
        if there is None or ownership.is_untouched(there):
            return self.fresh()
        if self.entries:
            raise StageFailed(
                f"{self.path.name} is there already, and pipeline.yml declares one too",
                hint="Remove `instructions:` to use the file, or replace the file: `dockcycle "
                "dockerfile --force`.",
                where=Location(str(self.path)),
            )
        ignored = _users_ignore(self.context, self.path)
        return Draft(self.path, self.context, "existing", there, ignored)

    def fresh(self) -> Draft:
        """What is declared, or generated, whatever is there.

        Raises:
            StageFailed: nothing can be generated.
        """
        ignored = _users_ignore(self.context, self.path)
        if self.entries:
            text = ownership.sign(f"\n{render(declared.build(self.entries))}")
            return Draft(self.path, self.context, "declared", text, ignored)
        if self.target:
            raise StageFailed(
                f"`target: {self.target}` is a stage of a Dockerfile that is not there",
                hint=f"Write {self.path}, or leave `target` out to have one generated.",
            )
        authored = _author(self.context, self.wishes)
        text = ownership.sign(f"\n{render(authored.dockerfile)}")
        reasons = (*self.reasons, *authored.reasons)
        return Draft(self.path, self.context, "generated", text, ignored, reasons)


@dataclass(frozen=True)
class Places:
    """Those of a project by service, and with Compose what its files say of services."""

    services: Mapping[str, Place]
    specs: Mapping[str, BuildSpec] = field(default_factory=dict)
    pulls: Mapping[str, PullSpec] = field(default_factory=dict)

    def drafts(self) -> Drafts:
        """Every Dockerfile; a file that several services share is drafted once.

        Raises:
            StageFailed: as from ``Place.draft``, with the service.
        """
        made: dict[Path, Draft] = {}
        found: dict[str, Draft] = {}
        for service, place in self.services.items():
            try:
                if place.inline is not None or place.target or place.path not in made:
                    made[place.path] = place.draft()
            except StageFailed as error:
                raise (error.about(service) if self.specs else error) from error.__cause__
            found[service] = made[place.path]
        return Drafts(found, self.specs, self.pulls)


@dataclass(frozen=True)
class Drafts:
    """The Dockerfiles of a project by service, and with Compose what its files say of services."""

    services: Mapping[str, Draft]
    specs: Mapping[str, BuildSpec] = field(default_factory=dict)
    pulls: Mapping[str, PullSpec] = field(default_factory=dict)

    def once(self) -> dict[Draft, str]:
        """Each Dockerfile, with the first of the services that it is for."""
        first: dict[Draft, str] = {}
        for service, made in self.services.items():
            first.setdefault(made, service)
        return first


def _author(context: Path, wishes: Wishes) -> Authored:
    try:
        return authoring.author(context, wishes)
    except StageFailed as error:
        error.where = error.where and error.where.within(context)
        raise


def read(path: Path) -> str | None:
    """The text of a file; None when there is none.

    Raises:
        StageFailed: it is no text, or cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StageFailed(
            f"{path} cannot be read: {error}",
            hint="A Dockerfile is a text file in UTF-8.",
            where=Location(str(path)),
        ) from error


def _users_ignore(context: Path, path: Path | None) -> Path | None:
    """The ignore file in force, unless it is one that we wrote and nobody changed."""
    file = ignore.ignore_file(context, path)
    if file is None or ownership.is_untouched(read(file) or ""):
        return None
    return file
