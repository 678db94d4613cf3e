"""Which Dockerfiles a project has, and what is in them: there, declared, or generated.

Everything here only reads; ``stages.dockerfile`` writes what is drafted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from pipeline.artifacts import SINGLE
from pipeline.errors import Location, StageFailed, UsageError
from pipeline.kit import authoring, compose_files, compose_model, ignore
from pipeline.kit.authoring import Authored, Reason, Wishes
from pipeline.kit.compose_model import BuildSpec, PullSpec, Service
from pipeline.kit.dockerfile import declared, ownership, render
from pipeline.kit.dockerfile.declared import Entry
from pipeline.ports.compose import Compose
from pipeline.scope import Scope

Origin = Literal["existing", "generated", "declared", "inline"]

IGNORE_TEXT = ownership.sign(ignore.DEFAULT_IGNORE)
"""The .dockerignore that is written where there is none."""


class Choices(Wishes):
    """What the user decides about the Dockerfiles of a project."""

    path: str | None = None
    """Of the Dockerfile, relative to the app's folder."""
    context: str | None = None
    """Folder that the build sees, relative to the app's folder; the app's folder itself."""
    instructions: tuple[Entry, ...] = ()
    """The Dockerfile, declared."""
    services: Mapping[str, Wishes] = Field(default={})
    """What is decided for single services of a Compose project, for Dockerfiles generated there."""

    @field_validator("instructions")
    @classmethod
    def _can_be_said(cls, instructions: tuple[Entry, ...]) -> tuple[Entry, ...]:
        if instructions:
            declared.build(instructions)
        return instructions

    def wishes(self, service: str) -> Wishes:
        """Those for one service: its own word counts, then the common one."""
        common = {name: getattr(self, name) for name in Wishes.model_fields}
        own = self.services.get(service)
        return Wishes(**common | (own.model_dump(exclude_unset=True) if own else {}))


@dataclass(frozen=True)
class Around:
    """Where a project's Dockerfiles are looked for. Paths are absolute."""

    app: Path
    root: Path
    """Top of what ``app`` is a part of."""
    project: str
    directory: Path
    """Folder of the pipeline file."""
    compose: Compose
    scope: Scope
    peers: Mapping[str, object] = field(default_factory=dict)
    """Options of all stages by name."""
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    """Names."""


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


def places(choices: Choices, around: Around) -> Places:
    """Where the Dockerfiles of a project are, or are to be. Reads only.

    Raises:
        UsageError: a choice leads out of the work tree, or does not go with Compose.
        ConfigError: Compose refuses its files.
        StageFailed: a service is built from something that is not on this machine.
    """
    app = around.app
    files = compose_files.declared(around.peers, app=app, project=around.directory)
    if files is None:
        return Places({SINGLE: _of_single(choices, around)})
    if choices.path or choices.context or choices.instructions:
        raise UsageError(
            "with Compose the Dockerfiles are those that the Compose files name",
            hint="Move path, context and instructions to `build:` of the service.",
        )
    model = compose_files.resolve(
        around.compose, files, project=around.project, variables=around.variables,
        secrets=around.secrets, scope=around.scope,
    )  # fmt: skip
    specs, services = compose_model.builds(model), compose_model.services(model)
    found = {
        name: _of_service(spec, services[name], Path(files.files[0]), choices.wishes(name))
        for name, spec in specs.items()
    }
    return Places(found, specs, compose_model.pulls(model))


def _of_single(choices: Choices, around: Around) -> Place:
    app, root, wishes = around.app, around.root, choices.wishes(SINGLE)
    context = _inside(root, app / (choices.context or "."), "context")
    path = _inside(root, app / (choices.path or Path(context, "Dockerfile")), "path")
    there = read(path)
    ours = there is None or ownership.is_untouched(there)
    if choices.context is not None or choices.instructions or not ours:
        return Place(path, context, wishes, choices.instructions)
    spot = authoring.spot(app, root, wishes)
    if spot.app is not None and wishes.app is None:
        wishes = wishes.model_copy(update={"app": spot.app})
    return Place(path, spot.context, wishes, reasons=spot.reasons)


def _of_service(spec: BuildSpec, service: Service, file: Path, wishes: Wishes) -> Place:
    if spec.remote:
        raise StageFailed(
            f"{spec.service}: it is built from {spec.context}, which is not on this machine",
            hint="Clone it and name the folder as `context:`, or use its image.",
        )
    context = Path(spec.context)
    if spec.inline is not None or spec.dockerfile is None:
        return Place(file, context, inline=spec.inline or "")
    wishes = _with_port(wishes, service)
    return Place(Path(spec.dockerfile), context, wishes, target=spec.target)


def _with_port(wishes: Wishes, service: Service) -> Wishes:
    """The port that the Compose file publishes or exposes is the one that the app is to use."""
    ports = compose_model.exposed(service)
    if wishes.port is not None or not ports:
        return wishes
    return wishes.model_copy(update={"port": ports[0]})


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


def _inside(root: Path, path: Path, key: str) -> Path:
    """``path``, normalised, if it is in the work tree.

    Raises:
        UsageError: it is not.
    """
    normal = Path(os.path.normpath(path))
    if not normal.resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"`{key}:` leads out of {root}", hint="Name something in the work tree of the app."
        )
    return normal
