"""``pipeline.lock``, beside the pipeline file: which image each name stands for.

It is made by ``dockcycle update``. From then on builds take these images and no others, and a run
adds the names that it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pipeline.artifacts import Digest, Frozen
from pipeline.errors import (
    ConfigError,
    DockcycleError,
    Location,
    NotFound,
    Problem,
    RegistryDenied,
    RegistryUnavailable,
)
from pipeline.kit import references
from pipeline.kit.building import BuildChoices
from pipeline.kit.compose_model import BuildSpec, PullSpec
from pipeline.kit.dockerfile.bases import bases, pinned
from pipeline.kit.files import replace_text
from pipeline.ports.engine import BuildRequest, Engine
from pipeline.ports.registry import Credentials
from pipeline.scope import Scope

FILE = "pipeline.lock"
_HEAD = """\
# Which image each name stands for: builds take these. `dockcycle update` moves them.
version: 1
images:
"""
_LARGEST = 1_000_000
"""Bytes."""


class _File(Frozen):
    version: int
    images: Mapping[str, Digest] = {}


@dataclass(frozen=True)
class Lock:
    """Name with its tag, as people write it → digest."""

    images: Mapping[str, str]

    def digest(self, name: str) -> str | None:
        return self.images.get(name)

    def request(self, request: BuildRequest) -> BuildRequest:
        """The same build, from the images of the lock."""
        text = pinned(request.dockerfile_text, self.digest, request.args, request.contexts)
        return request.model_copy(update={"dockerfile_text": text})

    def pull(self, wanted: PullSpec) -> PullSpec:
        """The same pull, of the image of the lock."""
        name = lockable(wanted.ref)
        return wanted.model_copy(update={"digest": self.digest(name) if name else None})

    def text(self) -> str:
        """The file: the same images always give the same bytes."""
        lines = (f"  {name}: {digest}\n" for name, digest in sorted(self.images.items()))
        return _HEAD.rstrip("\n") + (" {}\n" if not self.images else "\n") + "".join(lines)


def read(folder: Path) -> Lock | None:
    """The lock in ``folder``; None when there is none.

    Raises:
        ConfigError: it cannot be read, or is no lock.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        found = _File.model_validate(yaml.safe_load(text) if len(text) < _LARGEST else None)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _broken(path, str(error.problem), mark.line + 1 if mark else None) from error
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise _broken(path, _reason(error), None) from error
    if found.version != 1:
        raise _broken(path, f"version {found.version} is of a newer dockcycle", None)
    return Lock(found.images)


def write(folder: Path, lock: Lock) -> None:
    """Raises ``StageFailed`` when it cannot be written."""
    replace_text(folder / FILE, lock.text())


def lockable(ref: str) -> str | None:
    """The name that a lock has for an image; None for one that has a digest, or is no reference."""
    try:
        reference = references.parse(ref)
    except references.BadReference:
        return None
    return None if reference.digest else f"{reference.familiar}:{reference.tag or 'latest'}"


def names(
    texts: Mapping[str, str], specs: Mapping[str, BuildSpec], pulls: Mapping[str, PullSpec],
    choices: BuildChoices,
) -> dict[str, list[str]]:  # fmt: skip
    """Every image that a project takes from a registry by a tag, with the services that do.

    ``texts`` are Dockerfiles by service; ``specs`` and ``pulls`` are of the Compose files.
    """
    found: dict[str, list[str]] = {}
    for service, text in texts.items():
        spec = specs.get(service) or BuildSpec(service=service, context="")
        args, contexts = {**spec.args, **choices.args}, {**spec.contexts, **choices.contexts}
        for base in bases(text, args, contexts):
            if not base.reference.digest and service not in found.setdefault(base.name, []):
                found[base.name].append(service)
    for service, pull in pulls.items():
        name = None if pull.never else lockable(pull.ref)
        if name:
            found.setdefault(name, []).append(service)
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Answer:
    """What a registry has for a name, beside what the lock had. ``error`` when it did not say."""

    name: str
    was: str | None
    now: str | None = None
    error: DockcycleError | None = None
    local: bool = False
    """It is of this engine alone: no registry has it."""

    @property
    def state(self) -> str:
        if self.local:
            return "local"
        if self.error is not None:
            return "unknown"
        return "new" if self.was is None else "same" if self.was == self.now else "moved"


def ask(
    wanted: Iterable[str], lock: Lock, engine: Engine, credentials: Credentials, scope: Scope
) -> Iterator[Answer]:
    """Ask for the digest of each name, one after the other.

    Raises:
        EngineUnavailable: there is nobody to ask.
        Cancelled, DeadlineExceeded: of the scope.
    """
    for name in wanted:
        answer = partial(Answer, name, lock.digest(name))
        auth = credentials.lookup(references.parse(name).host)
        try:
            yield answer(engine.digest(name, auth, scope))
        except (NotFound, RegistryDenied) as error:
            # Docker Hub denies what it does not have.
            yield replace(answer(error=error), local=_is_local(engine, name))
        except RegistryUnavailable as error:
            yield answer(error=error)


def _is_local(engine: Engine, name: str) -> bool:
    found = engine.image(name)
    return found is not None and not found.digests


def _reason(error: Exception) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    return f"{key}: {first['msg']}" if key else str(first["msg"])


def _broken(path: Path, reason: str, line: int | None) -> ConfigError:
    hint = f"Take it back from git; or remove it, and `dockcycle update` makes a new {path.name}."
    where = Location(str(path), line or 1)
    return ConfigError([Problem(f"this is no lock: {reason}", where, hint)])
