"""Which Compose files the project has, and what they say once resolved.

The files are named once, by ``run: {compose: …}``; every stage that needs them asks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifacts import Frozen
from pipeline.errors import ConfigError, Location, Problem, UsageError
from pipeline.kit import compose_model, secret_refs
from pipeline.ports.compose import Compose, Model
from pipeline.ports.engine import OnLine
from pipeline.scope import Scope


class ComposeFiles(Frozen):
    """What ``run`` says about Compose. Paths are absolute."""

    files: tuple[str, ...]
    directory: str
    """Where relative paths in the files start: the folder of the first one."""
    profiles: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    """Only these and what they depend on; all when empty."""


def declared(peers: Mapping[str, object], *, app: Path, project: Path) -> ComposeFiles | None:
    """The Compose files that the ``run`` entry names; None for a project that is one container.

    ``peers`` are the options of all stages by name. A file is looked for in the app's folder
    (``Source.path``), then beside the pipeline file (``project``); environment files only there.

    Raises:
        ConfigError: a file is in neither place.
    """
    options: Any = peers.get("run")
    names: Sequence[str] = getattr(options, "compose", None) or ()
    if not names:
        return None
    files = [_find(name, (app, project), "run.compose") for name in names]
    return ComposeFiles(
        files=tuple(map(str, files)),
        directory=str(files[0].parent),
        profiles=tuple(options.profiles),
        env_files=tuple(str(_find(f, (project,), "run.env_file")) for f in options.env_file),
        services=tuple(options.services),
    )


def _find(name: str, places: Sequence[Path], key: str) -> Path:
    for place in places:
        path = (place / name).resolve()
        if path.is_file():
            return path
    looked = " or ".join(dict.fromkeys(str(place) for place in places))
    where = Location(file="pipeline.yml", key=key)
    raise ConfigError([Problem(f"there is no file {name} in {looked}", where)])


def resolve(
    compose: Compose, declared: ComposeFiles, *, project: str, variables: Mapping[str, str],
    secrets: Iterable[str] = (), on_line: OnLine | None = None, scope: Scope,
) -> Model:  # fmt: skip
    """The model of the declared files, as far as its services are wanted.

    ``project`` becomes the prefix of names that the files do not give. ``variables`` are what
    ``${…}`` sees, beside Compose's own ``.env``. Each of ``secrets`` (names) is seen by ``${NAME}``
    as a reference, so that its value never is in a model.

    Raises:
        ConfigError: Compose refuses the files.
        EngineUnavailable: the compose plugin is missing.
        UsageError: a service that is asked for does not exist.
    """
    environment = dict(variables) | {name: secret_refs.reference(name) for name in secrets}
    model = compose.resolve(
        declared.files, directory=declared.directory, project=project, profiles=declared.profiles,
        env_files=declared.env_files, environment=environment, on_line=on_line, scope=scope,
    )  # fmt: skip
    known = compose_model.services(model)
    if unknown := [name for name in declared.services if name not in known]:
        raise UsageError(
            f"the Compose files have no service {', '.join(unknown)}",
            hint=f"They have: {', '.join(sorted(known))}. Is a profile missing?",
        )
    return compose_model.select(model, declared.services)
