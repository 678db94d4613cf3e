"""Pull requests: strangers' code, built and tested where it can do no harm.

The pipeline file is the one of the branch, not the stranger's. What it would let them reach (a
volume, a secret, a command on this machine) is refused, by a list of what is harmless. The run has
a project name of its own, so that nothing it leaves is ever reused or deployed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from pipeline.app.workspace import Request, Workspace
from pipeline.config import Entry, Pipeline
from pipeline.config.nodes import ListNode, MapNode, Node
from pipeline.config.yaml_source import parse
from pipeline.errors import UsageError
from pipeline.kit import secret_refs
from pipeline.kit.names import LONGEST, STAGES
from pipeline.server.config import ServedProject

TESTED = ("code", "dockerfile", "build", "run", "smoke")
"""Stages that a pull request comes to."""

_HARMLESS: Mapping[str, frozenset[str]] = {
    "code": frozenset({"path", "clean", "checks"}),
    "build": frozenset({"tags", "parallel", "args", "target", "no_cache", "pull", "labels"}),
    "run": frozenset({
        "port", "ports", "env", "tmpfs", "command", "entrypoint", "user", "working_dir", "hostname",
        "memory", "cpus", "pids_limit", "log", "restart", "init", "read_only", "cap_drop",
        "healthcheck", "stop_signal", "stop_grace_period", "labels", "start_timeout",
    }),
}  # fmt: skip
"""Options by which a stranger's code gets at nothing; other stages' options are all harmless."""

_INHERITED = frozenset({
    "PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "DOCKCYCLE_HOME", "DOCKER_HOST",
    "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION", "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
    "no_proxy",
})  # fmt: skip


@dataclass(frozen=True)
class Guest:
    """How to run a pull request: its project's name, and options before and behind ``run``."""

    name: str
    shared: tuple[str, ...]
    options: tuple[str, ...]


def admit(
    project: ServedProject, number: str, trusted: Path, folder: Path, environ: Mapping[str, str]
) -> Guest:
    """Prepare the checkout of a pull request in ``folder`` by the pipeline file in ``trusted``.

    Raises:
        UsageError: the pipeline, or a link in the checkout, would let it reach out.
        ConfigError: the pipeline file has mistakes.
    """
    pipeline = _read(project, trusted, environ)
    entries = [entry for entry in pipeline.entries if entry.uses in TESTED]
    if not entries or pipeline.entries[0].uses != "code":
        raise UsageError("the pipeline has nothing to test a pull request by")
    for entry in entries:
        _check(entry)
    _refuse_links(folder)
    _put_files(pipeline, folder / pipeline.directory.relative_to(trusted))
    name = f"{project.name[: LONGEST - 14].rstrip('-_')}-pr-{number}"
    shared = ["--set", f"name={name}", *_without_host_checks(entries)]
    return Guest(name, tuple(shared), ("--to", entries[-1].key))


def environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """What the run of a pull request inherits: no variable that may hold a secret, no credentials
    of this user."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = {name: value for name, value in environ.items() if name in _INHERITED}
    return {**kept, "HOME": str(home), "DOCKER_CONFIG": str(home / ".docker")}


def _read(project: ServedProject, trusted: Path, environ: Mapping[str, str]) -> Pipeline:
    request = Request(
        directory=trusted, environ=environ, environment=project.environment,
        file=None if project.file is None else Path(project.file),
    )  # fmt: skip
    head = Workspace(request).head
    for name, text in head.documents.items():
        for word in _foreign_stages(parse(text, name)):
            raise UsageError(f"pull requests: the stage {word} is no built-in one")
    return Workspace(request).pipeline


def _foreign_stages(root: Node | None) -> Iterator[str]:
    """Words under ``stages:`` whose code would have to be loaded."""
    stages = root.items.get("stages") if isinstance(root, MapNode) else None
    entries = stages.items if isinstance(stages, ListNode) else ()
    for entry in entries:
        if isinstance(entry, MapNode):
            yield from (word for word in entry.items if word not in STAGES)
            for options in entry.items.values():
                if isinstance(options, MapNode) and "uses" in options.items:
                    yield f"`uses: {getattr(options.items['uses'], 'text', '')}`"


def _check(entry: Entry) -> None:
    options: BaseModel = entry.options
    harmless = _HARMLESS.get(entry.uses, options.model_fields_set)
    beyond = sorted(options.model_fields_set - harmless)
    if beyond:
        raise UsageError(
            f"pull requests: `{beyond[0]}:` of {entry.key} may let a stranger's code reach out",
            hint="Give pull requests a pipeline file without it, or leave them to another machine.",
        )
    if secret_refs.names(options.model_dump_json()):
        raise UsageError(f"pull requests: {entry.key} uses a secret, and they get none")


def _refuse_links(folder: Path) -> None:
    """Links that lead out of the checkout would be followed by whoever reads its files."""
    top = folder.resolve()
    for path, folders, files in os.walk(folder):
        if Path(path) == folder and ".git" in folders:
            folders.remove(".git")
        for name in (*folders, *files):
            one = Path(path, name)
            if one.is_symlink() and not one.resolve().is_relative_to(top):
                raise UsageError(f"pull requests: the link {one.relative_to(folder)} leads out")


def _put_files(pipeline: Pipeline, directory: Path) -> None:
    """The branch's pipeline file, its overlay and `.env`, in the place of the stranger's."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in (".env", *pipeline.documents):
        ours, place = pipeline.directory / name, directory / name
        place.unlink(missing_ok=True)
        if ours.is_file():
            shutil.copyfile(ours, place)


def _without_host_checks(entries: list[Entry]) -> Iterator[str]:
    """Commands of ``code`` run on this machine unless they have an image to run in."""
    for entry in entries:
        if entry.uses == "code":
            checks = entry.options.model_dump(mode="json", by_alias=True, exclude_unset=True)
            inside = [c for c in checks.get("checks", ()) if isinstance(c, dict) and c.get("in")]
            yield from ("--set", f"stages.{entry.key}.checks={json.dumps(inside)}")
