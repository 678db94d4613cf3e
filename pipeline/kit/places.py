"""Where the Dockerfiles of a project are, or are to be, and what the user decides about them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, field_validator

from pipeline.artifacts import SINGLE
from pipeline.errors import StageFailed, UsageError
from pipeline.kit import authoring, compose_files, compose_model
from pipeline.kit.authoring import Wishes
from pipeline.kit.compose_model import BuildSpec, Service
from pipeline.kit.dockerfile import declared, ownership
from pipeline.kit.dockerfile.declared import Entry
from pipeline.kit.drafts import Place, Places, read
from pipeline.ports.compose import Compose
from pipeline.scope import Scope


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


def find(choices: Choices, around: Around) -> Places:
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
