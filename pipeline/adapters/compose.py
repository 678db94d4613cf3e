"""Docker Compose: the ``docker compose`` plugin as a subprocess. Commands are data, see the
``*_argv`` functions; models go in by stdin, so no value of theirs is seen in a process list."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.adapters.compose_errors import config_error, engine_error, missing, up_error, warning
from pipeline.adapters.guard import while_alive
from pipeline.errors import NotFound, StageFailed
from pipeline.kit.hashing import fingerprint
from pipeline.ports.compose import Model
from pipeline.ports.engine import OnLine
from pipeline.ports.shell import Completed, Shell
from pipeline.scope import Scope

COMPOSE = ("docker", "compose", "--ansi", "never")
_QUIET = {"DOCKER_CLI_HINTS": "false"}
FRESH = 2.0
"""Seconds for which a resolved model stands: while a plan is made, several stages ask for it."""


def config_argv(
    files: Sequence[str], *, directory: str, project: str, profiles: Sequence[str],
    env_files: Sequence[str], output: str,
) -> list[str]:  # fmt: skip
    """Resolve ``files`` into JSON at ``output``."""
    argv = [*COMPOSE, "--project-directory", directory, "--project-name", project]
    for option, values in (("--file", files), ("--profile", profiles), ("--env-file", env_files)):
        argv += [part for value in values for part in (option, value)]
    return [*argv, "config", "--format", "json", "--output", output]


def up_argv(
    project: str, *, directory: str, services: Sequence[str], pull: bool, remove_orphans: bool,
    recreate: bool, count: Mapping[str, int] | None = None,
) -> list[str]:  # fmt: skip
    """Start a model that comes by stdin. Never ``--wait``: that fails when a one-shot ends well."""
    return [
        *_project_argv(project, directory), "up", "--detach", "--no-build",
        "--pull", "missing" if pull else "never",
        *(["--remove-orphans"] if remove_orphans else []),
        *(["--force-recreate"] if recreate else []),
        *(["--no-recreate", "--no-deps"] if count else []),
        *(word for name, n in (count or {}).items() for word in ("--scale", f"{name}={n}")),
        "--", *services,
    ]  # fmt: skip


def stop_argv(project: str, *, directory: str, services: Sequence[str]) -> list[str]:
    return [*_project_argv(project, directory), "stop", "--", *services]


def down_argv(project: str, *, volumes: bool) -> list[str]:
    """Found by Compose's labels, so that no model is needed."""
    return [*COMPOSE, "--progress", "plain", "--project-name", project, "down", "--remove-orphans",
            *(["--volumes"] if volumes else [])]  # fmt: skip


def _project_argv(project: str, directory: str) -> list[str]:
    return [*COMPOSE, "--progress", "plain", "--project-directory", directory,
            "--project-name", project, "--file", "-"]  # fmt: skip


@dataclass(frozen=True)
class _Resolved:
    model: Model
    output: str
    """What Compose said meanwhile: warnings."""
    at: float = field(default_factory=time.monotonic)


class DockerCompose:
    """Implements ``pipeline.ports.Compose``.

    ``environment`` makes the docker command use the very engine that the engine adapter uses.
    ``probe`` raises ``EngineUnavailable`` when that does not answer: Compose would wait for it.
    """

    def __init__(
        self, shell: Shell, environment: Mapping[str, str], probe: Callable[[], None]
    ) -> None:
        self._shell = shell
        self._environment = {**_QUIET, **environment}
        self._probe = probe
        self._recent: dict[str, _Resolved] = {}

    def resolve(
        self, files: Sequence[str], *, directory: str, project: str,
        profiles: Sequence[str] = (), env_files: Sequence[str] = (),
        environment: Mapping[str, str] | None = None, on_line: OnLine | None = None, scope: Scope,
    ) -> Model:  # fmt: skip
        asked = _question(files, directory, project, profiles, env_files, environment)
        found = self._recent.get(asked)
        if found is None or time.monotonic() - found.at > FRESH:
            with tempfile.TemporaryDirectory(prefix="dockcycle-") as folder:  # mode 0700
                output = Path(folder) / "model.json"
                argv = config_argv(
                    files, directory=directory, project=project, profiles=profiles,
                    env_files=env_files, output=str(output),
                )  # fmt: skip
                done = _usable(self._run(argv, environment=environment, scope=scope))
                if done.exit_code != 0:
                    raise config_error(done.output, files)
                found = _Resolved(json.loads(output.read_text(encoding="utf-8")), done.output)
            self._recent = {asked: found}
        for line in found.output.splitlines():
            if on_line and (text := warning(line)):
                on_line(text)
        return found.model

    def up(
        self, model: Model, *, project: str, services: Sequence[str] = (), pull: bool = True,
        remove_orphans: bool = False, recreate: bool = False, on_line: OnLine, scope: Scope,
        count: Mapping[str, int] | None = None,
    ) -> None:  # fmt: skip
        with _no_folder() as folder:
            argv = up_argv(
                project, directory=folder, services=services or tuple(count or ()), pull=pull,
                remove_orphans=remove_orphans, recreate=recreate, count=count,
            )  # fmt: skip
            done = self._work(argv, model=model, on_line=on_line, scope=scope)
        if done.exit_code != 0:
            raise up_error(done.output, project)

    def stop(
        self, model: Model, *, project: str, services: Sequence[str] = (), on_line: OnLine,
        scope: Scope,
    ) -> None:  # fmt: skip
        with _no_folder() as folder:
            argv = stop_argv(project, directory=folder, services=services)
            done = self._work(argv, model=model, on_line=on_line, scope=scope)
        if done.exit_code != 0:
            raise _not_done("stop", project, done)

    def down(
        self, model: Model | None, *, project: str, volumes: bool, on_line: OnLine, scope: Scope
    ) -> None:
        argv = down_argv(project, volumes=volumes)
        done = self._work(argv, on_line=on_line, scope=scope)
        if done.exit_code != 0:
            raise _not_done("remove", project, done)

    def _work(
        self, argv: Sequence[str], *, model: Model | None = None, on_line: OnLine, scope: Scope
    ) -> Completed:
        """Run a command that does something on the engine."""
        with while_alive(scope, self._probe) as inner:
            done = self._run(argv, model=model, on_line=on_line, scope=inner)
        if done.exit_code != 0:
            self._probe()  # an engine that went away is the cause of any error
        return _usable(done)

    def _run(
        self, argv: Sequence[str], *, model: Model | None = None,
        environment: Mapping[str, str] | None = None, on_line: OnLine | None = None, scope: Scope,
    ) -> Completed:  # fmt: skip
        try:
            return self._shell.run(
                argv,
                environment={**(environment or {}), **self._environment},
                stdin=None if model is None else json.dumps(model),
                on_line=on_line,
                scope=scope,
            )
        except NotFound as error:
            raise missing(error.message) from error


def _usable(done: Completed) -> Completed:
    """Raise if the command never got to do its work."""
    if done.exit_code != 0 and (unusable := engine_error(done.output)):
        raise unusable
    return done


def _question(
    files: Sequence[str], directory: str, project: str, profiles: Sequence[str],
    env_files: Sequence[str], environment: Mapping[str, str] | None,
) -> str:  # fmt: skip
    """What is asked, and the state of the files that are known to matter."""
    seen = [*files, *env_files, str(Path(directory, ".env"))]
    states = [(s.st_mtime_ns, s.st_size) for f in seen if (s := _stat(f))]
    return fingerprint(files, directory, project, profiles, env_files, environment or {}, states)


def _stat(file: str) -> os.stat_result | None:
    try:
        return Path(file).stat()
    except OSError:
        return None


def _no_folder() -> tempfile.TemporaryDirectory[str]:
    """An empty project directory: paths in a model are absolute, and no `.env` may reach it."""
    return tempfile.TemporaryDirectory(prefix="dockcycle-")


def _not_done(verb: str, project: str, done: Completed) -> StageFailed:
    return StageFailed(
        f"Compose could not {verb} the project {project}", detail=done.output.strip()
    )
