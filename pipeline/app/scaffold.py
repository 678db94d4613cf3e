"""The first files of a project: pipeline.yml, and a Dockerfile where there is none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import UsageError
from pipeline.kit import drafts
from pipeline.kit.authoring import Reason
from pipeline.kit.dockerfile.ports import exposed_port
from pipeline.kit.names import check_project_name, suggest_project_name

COMPOSE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
PIPELINE = "pipeline.yml"
PUBLISHED = 8000

_TESTS = {
    "package.json": '{run: npm ci && npm test, in: "node:22-slim"}',
    "go.mod": '{run: go test ./..., in: "golang:1.24"}',
    "Cargo.toml": '{run: cargo test, in: "rust:1-slim"}',
    "requirements.txt":
        '{run: pip install -qr requirements.txt pytest && pytest -q, in: "python:3.12-slim"}',
    "pyproject.toml": '{run: pip install -q . pytest && pytest -q, in: "python:3.12-slim"}',
}  # fmt: skip
"""What says that the app is of a kind → how such an app is tested, usually."""
_ANY_TEST = '{run: make test, in: "debian:stable-slim"}'
_HEAD = """\
# `dockcycle validate` checks this file, `dockcycle plan` says what would be done, and
# `dockcycle run` does it.
version: 1
name: {name}

stages:
{code}
  - dockerfile # {origin}; linted
  - build
"""
_CONTAINER = """\

  # The new version starts beside the live one, and has to answer before anything goes on.
  - run: {{port: {port}}}
  - smoke:
      checks:
        - {{get: /, expect: {{status: 200}}}}

  # To a registry on this machine; add others: [local, docker.io/NAME/{name}]
  - push: {{to: [local]}}
  - track

  # Live on http://localhost:{published}; the last five versions can come back. On a server,
  # `domain: app.example.org` in place of `publish` brings HTTPS with it.
  - operate: {{publish: {published}, keep: 5}}
"""
_WORKER = """\

  # No port was found, so it has to stay up. With one: - run: {{port: 8000}}
  - run
  - smoke

  # To a registry on this machine; add others: [local, docker.io/NAME/{name}]
  - push: {{to: [local]}}
  - track

  # The last five versions can come back.
  - operate: {{keep: 5}}
"""
_COMPOSE = """\

  # The whole project starts beside the live one, with volumes of its own, and has to be healthy
  # before anything goes on.
  - run: {{compose: {compose}}}
  - smoke

  # To a registry on this machine; add others: [local, docker.io/NAME/{name}]
  - push: {{to: [local]}}
  - track

  # On the ports that {compose} publishes; the last five versions can come back.
  - operate: {{keep: 5}}
"""


@dataclass(frozen=True)
class Written:
    """What became of one file. ``path`` is relative to the project's folder."""

    path: str
    what: Literal["wrote", "kept", "overwrote"]


@dataclass(frozen=True)
class Scaffold:
    """Files to write, and why the Dockerfile is what it is."""

    files: Mapping[str, str]
    reasons: tuple[Reason, ...] = ()


def scaffold(folder: Path, name: str | None, *, path: str | None) -> Scaffold:
    """What a project in ``folder`` begins with, its app there or in the folder ``path`` below;
    reads only.

    Raises:
        UsageError: the name breaks the rule, or there is no such folder.
        StageFailed: what the app is cannot be told.
    """
    app = _below(folder, path)
    values = {"name": _name(folder, name), "code": _code(app, folder)}
    compose = next((n for n in COMPOSE_NAMES if (app / n).is_file()), None)
    if compose:
        text = _text(_COMPOSE, **values, origin="those of the Compose file", compose=compose)
        return Scaffold({PIPELINE: text})
    return _single(folder, app, values)


def _single(folder: Path, app: Path, values: Mapping[str, str]) -> Scaffold:
    """For an app that is one container."""
    draft = drafts.Place(app / "Dockerfile", app).draft()
    port = exposed_port(draft.text)
    origin = "the one that is here" if draft.origin == "existing" else "generated"
    text = _text(_CONTAINER if port else _WORKER, **values, origin=origin, port=port)
    own = {path.relative_to(folder).as_posix(): text for path, text in draft.files().items()}
    return Scaffold({PIPELINE: text, **own}, draft.reasons)


def _below(folder: Path, path: str | None) -> Path:
    app = (folder / (path or ".")).resolve()
    if not app.is_dir() or not app.is_relative_to(folder.resolve()):
        raise UsageError(f"there is no folder {path} in {folder}")
    return folder / app.relative_to(folder.resolve())


def _code(app: Path, folder: Path) -> str:
    """The first stage, with a word on tests."""
    test = next((check for file, check in _TESTS.items() if (app / file).is_file()), _ANY_TEST)
    words = (
        "  # The work tree as it is. Its tests can run first, the same way everywhere:\n"
        f"  # checks: [{test}]\n"
    )
    if app == folder:
        return f"{words}  - code"
    path = json.dumps(app.relative_to(folder).as_posix())
    return f"{words}  - code: {{path: {path}}}"


def write(folder: Path, files: Mapping[str, str], *, force: bool) -> Iterator[Written]:
    """Write the files; those that are there stay, without ``force``.

    Raises:
        UsageError: a file cannot be written.
    """
    for name, text in files.items():
        path = folder / name
        there = path.exists() or path.is_symlink()
        if there and not force:
            yield Written(name, "kept")
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".{path.name}.{os.getpid()}")
            aside.write_text(text, encoding="utf-8")
            aside.replace(path)
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from error
        yield Written(name, "overwrote" if there else "wrote")


def _name(folder: Path, name: str | None) -> str:
    if name is None:
        return suggest_project_name(folder.name)
    try:
        return check_project_name(name)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _text(body: str, **values: object) -> str:
    return (_HEAD + body).format(**values, published=PUBLISHED)
