"""Moving the lock: what registries have now under the names that the project's builds use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.app.drafted import Desk
from pipeline.app.workspace import Workspace
from pipeline.errors import UsageError
from pipeline.kit import lock
from pipeline.kit.lock import Lock
from pipeline.kit.names import did_you_mean
from pipeline.scope import Scope


@dataclass(frozen=True)
class Row:
    """One image. ``state`` of ``new``, ``moved``, ``same``, ``local`` (of this engine alone),
    ``unknown`` (no answer: the lock keeps what it has), ``unused`` (it goes)."""

    name: str
    state: str
    was: str
    now: str
    services: tuple[str, ...] = ()
    message: str = ""


def update(
    workspace: Workspace, desk: Desk, wanted: Sequence[str], scope: Scope, *, dry_run: bool = False
) -> list[Row]:
    """Ask for all images of the project, or for those ``wanted`` (``python:3.13-slim`` or just
    ``python``), and write the lock.

    Raises:
        UsageError: the project uses no such image.
        EngineUnavailable: there is nobody to ask.
        ConfigError: the lock that is there is none.
    """
    directory = desk.around.directory
    known = lock.read(directory)
    texts = {service: draft.text for service, draft in desk.places.drafts().services.items()}
    used = lock.names(texts, desk.places.specs, desk.places.pulls, desk.build)
    chosen = _chosen(wanted, used)
    ports = workspace.ports
    rows = []
    for answer in lock.ask(chosen, known or Lock({}), ports.engine, ports.credentials, scope):
        message = answer.error.message if answer.error and not answer.local else ""
        rows.append(
            Row(
                answer.name, answer.state, answer.was or "", answer.now or answer.was or "",
                tuple(used[answer.name]), message,
            )
        )  # fmt: skip
    if not wanted:
        rows += _unused(known, used)
    moved = _moved(known, rows)
    if moved != (known or Lock({})) and not dry_run:
        lock.write(directory, moved)
    return rows


def _chosen(wanted: Sequence[str], used: Mapping[str, object]) -> list[str]:
    found: list[str] = []
    for word in wanted:
        matching = [name for name in used if word in (name, name.rpartition(":")[0])]
        if not matching:
            hint = did_you_mean(word, used) or f"It uses {', '.join(used) or 'none'}."
            raise UsageError(f"the project uses no image {word}", hint=hint)
        found += matching
    return found or list(used)


def _unused(known: Lock | None, used: Mapping[str, object]) -> Iterator[Row]:
    for name, digest in (known.images if known else {}).items():
        if name not in used:
            yield Row(name, "unused", digest, "")


def _moved(known: Lock | None, rows: Sequence[Row]) -> Lock:
    images = dict(known.images if known else {})
    for row in rows:
        if row.now:
            images[row.name] = row.now
        else:
            images.pop(row.name, None)
    return Lock(dict(sorted(images.items())))
