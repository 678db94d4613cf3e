"""Which Dockerfiles a project has, and what is in them: there, declared, or generated.

Everything here only reads; ``stages.dockerfile`` writes what is drafted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
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
from pipeline.ports.compose import Compose, Model
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


def of_project(choices: Choices, around: Around) -> Drafts:
    """Every Dockerfile of a project. Reads only.

    Raises:
        UsageError: a choice leads out of the work tree, or does not go with Compose.
        ConfigError: Compose refuses its files.
        StageFailed: as from ``draft``.
    """
    app = around.app
    files = compose_files.declared(around.peers, app=app, project=around.directory)
    if files is None:
        context = _inside(around.root, app / (choices.context or "."), "context")
        path = _inside(around.root, app / (choices.path or Path(context, "Dockerfile")), "path")
        wishes = choices.wishes(SINGLE)
        return Drafts({SINGLE: draft(path, context, entries=choices.instructions, wishes=wishes)})
    if choices.path or choices.context or choices.instructions:
        raise UsageError(
            "with Compose the Dockerfiles are those that the Compose files name",
            hint="Move path, context and instructions to `build:` of the service.",
        )
    model = compose_files.resolve(
        around.compose, files, project=around.project, variables=around.variables,
        secrets=around.secrets, scope=around.scope,
    )  # fmt: skip
    made = of_compose(model, Path(files.files[0]), choices.wishes)
    return Drafts(made, compose_model.builds(model), compose_model.pulls(model))


def draft(
    path: Path, context: Path, *, entries: Sequence[Entry] = (), wishes: Wishes | None = None
) -> Draft:
    """The Dockerfile at ``path`` for ``context`` (both absolute). A file that is there and is not
    ours is taken as it is; else it is what ``entries`` declare, or it is generated.

    Raises:
        StageFailed: there is a file of the user's own and a declaration too; or nothing can be
            generated.
    """
    own_ignore = _users_ignore(context, path)
    there = read(path)
    if there is not None and not ownership.is_untouched(there):
        if entries:
            raise StageFailed(
                f"{path.name} is there already, and pipeline.yml declares one too",
                hint="Remove `instructions:` to use the file, or remove the file.",
                where=Location(str(path)),
            )
        return Draft(path, context, "existing", there, own_ignore)
    if entries:
        body = render(declared.build(entries))
        return Draft(path, context, "declared", ownership.sign(f"\n{body}"), own_ignore)
    authored = _author(context, wishes)
    text = ownership.sign(f"\n{render(authored.dockerfile)}")
    return Draft(path, context, "generated", text, own_ignore, authored.reasons)


def _author(context: Path, wishes: Wishes | None) -> Authored:
    try:
        return authoring.author(context, wishes)
    except StageFailed as error:
        error.where = error.where and error.where.within(context)
        raise


def of_compose(model: Model, file: Path, wishes: Callable[[str], Wishes]) -> dict[str, Draft]:
    """Service → Dockerfile, for every service of a Compose model that is built. ``file`` is the
    Compose file, ``wishes`` are by service.

    Raises:
        StageFailed: as from ``draft``, with the service.
    """
    services = compose_model.services(model)
    by_path: dict[Path, Draft] = {}
    found = {}
    for name, spec in compose_model.builds(model).items():
        try:
            found[name] = _of_service(spec, services[name], file, wishes(name), by_path)
        except StageFailed as error:
            raise error.about(name) from error.__cause__
    return found


def _of_service(
    spec: BuildSpec, service: Service, file: Path, wishes: Wishes, by_path: dict[Path, Draft]
) -> Draft:
    if spec.remote:
        raise StageFailed(
            f"it is built from {spec.context}, which is not on this machine",
            hint="Clone it and name the folder as `context:`, or use its image.",
        )
    context = Path(spec.context)
    if spec.inline is not None or spec.dockerfile is None:
        return Draft(file, context, "inline", spec.inline or "", _users_ignore(context, None))
    path = Path(spec.dockerfile)
    if path not in by_path:
        by_path[path] = draft(path, context, wishes=_with_port(wishes, service))
    if spec.target and by_path[path].origin == "generated":
        raise StageFailed(
            f"`target: {spec.target}` is a stage of a Dockerfile that is not there",
            hint=f"Write {path}, or leave `target` out to have one generated.",
        )
    return by_path[path]


def _with_port(wishes: Wishes, service: Service) -> Wishes:
    """The port that the Compose file publishes or exposes is the one that the app is to use."""
    ports = compose_model.exposed(service)
    if wishes.port is not None or not ports:
        return wishes
    return wishes.model_copy(update={"port": ports[0]})


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
