"""Which Dockerfiles a project has, and what is in them: there, declared, or generated.

Everything here only reads; ``stages.dockerfile`` writes what is drafted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import Location, StageFailed
from pipeline.kit import authoring, compose_model, ignore
from pipeline.kit.authoring import Authored, Reason, Wishes
from pipeline.kit.compose_model import BuildSpec, Service
from pipeline.kit.dockerfile import declared, ownership, render
from pipeline.kit.dockerfile.declared import Entry
from pipeline.ports.compose import Model

Origin = Literal["existing", "generated", "declared", "inline"]

IGNORE_TEXT = ownership.sign(ignore.DEFAULT_IGNORE)
"""The .dockerignore that is written where there is none."""


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
