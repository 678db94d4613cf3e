"""The project's Dockerfiles as commands see them: in the work tree here, without a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.app.running import last_success
from pipeline.app.workspace import Workspace
from pipeline.artifacts import Source
from pipeline.config.loader import NAMES
from pipeline.errors import UsageError
from pipeline.kit import places
from pipeline.kit.building import BuildChoices
from pipeline.kit.drafts import Places
from pipeline.kit.linting import LintChoices
from pipeline.kit.names import suggest_project_name
from pipeline.kit.places import Around, Choices
from pipeline.scope import Scope

LIMIT = 120.0
"""Seconds."""


@dataclass(frozen=True)
class Desk:
    """What a command needs to know of the project to work on its Dockerfiles."""

    choices: Choices
    around: Around
    build: BuildChoices
    lint: LintChoices
    places: Places


def at_the_desk(workspace: Workspace, scope: Scope) -> Desk:
    """By the pipeline file; without one, the working directory is the app.

    Raises:
        UsageError: the code is not here; or as ``places``.
    """
    request = workspace.request
    folder = request.directory
    if request.file is None and not any((folder / name).is_file() for name in NAMES):
        around = Around(
            app=folder, root=_top(workspace, folder), project=suggest_project_name(folder.name),
            directory=folder, compose=workspace.ports.compose, scope=scope,
        )  # fmt: skip
        return _desk({}, around)
    peers: dict[str, object] = {stage.name: stage.options for _, stage in workspace.stages[::-1]}
    app, root = _code(workspace, peers)
    around = Around(
        app=app, root=root, project=workspace.project.name, directory=workspace.project.directory,
        compose=workspace.ports.compose, scope=scope, peers=peers,
        variables=workspace.head.variables, secrets=workspace.secrets.names,
    )  # fmt: skip
    return _desk(peers, around)


def _desk(peers: Mapping[str, object], around: Around) -> Desk:
    options: Any = next((each for each in peers.values() if isinstance(each, Choices)), None)
    lint = getattr(options, "lint", None)
    build = next((each for each in peers.values() if isinstance(each, BuildChoices)), None)
    choices = options or Choices()
    return Desk(
        choices,
        around,
        build or BuildChoices(),
        lint if isinstance(lint, LintChoices) else LintChoices(),
        places.find(choices, around),
    )


def _code(workspace: Workspace, peers: Mapping[str, object]) -> tuple[Path, Path]:
    """The app's folder and the top of its work tree, as the ``code`` stage would take them."""
    options: Any = peers.get("code")
    if getattr(options, "git", None):
        return _checkout(workspace)
    path = getattr(options, "path", ".")
    app = (workspace.project.directory / path).resolve()
    if not app.is_dir():
        raise UsageError(f"there is no folder {path}", hint="See `code: {path: …}`.")
    return app, _top(workspace, app)


def _top(workspace: Workspace, app: Path) -> Path:
    head = workspace.ports.repo.head(str(app))
    return Path(head.root) if head else app


def _checkout(workspace: Workspace) -> tuple[Path, Path]:
    """What the last run took from another repository."""
    for entry, stage in workspace.stages:
        found = last_success(workspace, entry.key) if Source in stage.makes else None
        for artifact in found[1] if found else ():
            if isinstance(artifact, Source) and Path(artifact.path).is_dir():
                return Path(artifact.path), Path(artifact.root)
    raise UsageError(
        "the code comes from another repository, and is not here yet",
        hint="`dockcycle run --to code` gets it.",
    )
