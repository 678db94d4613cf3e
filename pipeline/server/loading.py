"""From serve.yml to checked settings with their secrets at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from pipeline.config import SecretSource, secret_loader
from pipeline.config.dotenv import read as read_dotenv
from pipeline.config.explain import explain
from pipeline.config.interpolation import interpolate_tree
from pipeline.config.loader import shown_path
from pipeline.config.nodes import MapNode, locate, to_data
from pipeline.config.secrets import check_references, declare, sources, take_literals
from pipeline.config.validation import refuse
from pipeline.config.yaml_source import read as read_yaml
from pipeline.errors import ConfigError, Location, Problem, UsageError
from pipeline.kit import secret_refs
from pipeline.runner import Masker
from pipeline.server.config import ServedProject, ServeFile
from pipeline.stage import Secrets

SHORTEST_SECRET = 16
"""Characters; a shorter one can be guessed by trying."""


@dataclass(frozen=True)
class Settings:
    """serve.yml after reading."""

    file: Path
    serve: ServeFile
    sources: Mapping[str, SecretSource]
    variables: Mapping[str, str] = field(repr=False)
    """``.env`` beside the file, and the environment."""
    environ: Mapping[str, str] = field(repr=False)
    """The environment alone, which runs inherit."""

    @property
    def secrets(self) -> Mapping[str, SecretSource]:
        return self.sources

    def open_secrets(self, masker: Masker) -> Secrets:
        """The secrets, each one masked by ``masker`` from when it is first read."""
        return Secrets(masker.watch(secret_loader(self)), self.sources)

    def secret_variables(self) -> set[str]:
        """Environment variables that hold the server's own secrets: no run inherits them."""
        return {source.env for source in self.sources.values() if source.env}


def load(file: Path, variables: Mapping[str, str]) -> Settings:
    """Read and check serve.yml.

    Raises:
        UsageError: it cannot be read.
        ConfigError: with every mistake in it.
    """
    shown = shown_path(file)
    dotenv = file.with_name(".env")
    known = {**read_dotenv(dotenv, shown_path(dotenv), variables), **variables}
    _, root = read_yaml(file, shown)
    if not isinstance(root, MapNode):
        where = root.where if root else Location(shown)
        raise ConfigError([Problem("serve.yml is a mapping of keys", where, "See docs/serve.md.")])
    values, problems = interpolate_tree(root, known)
    refuse(problems)
    serve = _checked(values.without(key for key in values.items if key.startswith("x-")))
    return Settings(file, serve, sources(serve.secrets, file.parent), known, variables)


def _checked(root: MapNode) -> ServeFile:
    root, problems = take_literals(root)
    try:
        serve = ServeFile.model_validate(to_data(root))
    except ValidationError as error:
        refuse([*problems, *explain(error, ServeFile, root)])
        raise AssertionError("what is not valid has problems") from error
    problems += check_references(root, "", serve.secrets)
    problems += _undeclared(root, serve)
    refuse(problems)
    return serve


def _undeclared(root: MapNode, serve: ServeFile) -> list[Problem]:
    """Names of secrets that ``secrets:`` does not have."""
    named: list[tuple[tuple[str | int, ...], str | None]] = [(("token",), serve.token)]
    for at, project in enumerate(serve.projects):
        named.append((("projects", at, "secret"), project.secret))
        if project.report:
            named.append((("projects", at, "report", "token"), project.report.token))
    return [
        Problem(f"no secret {name} is declared", locate(root, path), declare(name, serve.secrets))
        for path, name in named
        if name is not None and name not in serve.secrets
    ]


def require_secrets(settings: Settings, secrets: Secrets) -> None:
    """Read every secret that is used, once, before anything is served.

    Raises:
        UsageError: one has no value, or a signing secret is too short to be one.
    """
    for project in settings.serve.projects:
        _require_strong(project.secret, secrets)
        for name in _further(project):
            secrets.get(name)
    if settings.serve.token is not None:
        _require_strong(settings.serve.token, secrets)


def _require_strong(name: str, secrets: Secrets) -> None:
    if len(secrets.get(name)) < SHORTEST_SECRET:
        raise UsageError(
            f"the secret {name} is shorter than {SHORTEST_SECRET} characters",
            hint="Anyone may try to guess it. `openssl rand -hex 32` makes a good one.",
        )


def _further(project: ServedProject) -> Iterable[str]:
    yield from secret_refs.names(project.repository)
    if project.report:
        yield project.report.token
