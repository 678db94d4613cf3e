"""Who is told of what. A release's hooks are kept on the engine, so that a supervisor, which has no
pipeline file, knows them too."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import TypeAdapter, ValidationError

from pipeline.artifacts import Frozen
from pipeline.kit.hashing import fingerprint
from pipeline.kit.labels import RECORD, labels, select
from pipeline.ports import Engine, Journal

Occasion = Literal["success", "failure", "degraded", "recovered"]
OCCASIONS: tuple[Occasion, ...] = get_args(Occasion)


class Hook(Frozen):
    """A webhook, by ``url`` or by the ``secret`` that holds it, or a command."""

    on: tuple[Occasion, ...] = OCCASIONS
    url: str = ""
    secret: str = ""
    env: str = ""
    """The variable that has the secret's value."""
    file: str = ""
    """The file that has it, absolute."""
    command: tuple[str, ...] = ()
    directory: str = ""
    """Where the command runs: the folder of the pipeline file."""

    def __str__(self) -> str:
        if self.command:
            return f"the command {self.command[0]}"
        return f"the webhook {self.secret}" if self.secret else "a webhook"


_HOOKS = TypeAdapter(tuple[Hook, ...])


def read(engine: Engine, project: str) -> tuple[Hook, ...]:
    """Those that the project's last run left."""
    for volume in sorted(engine.volumes(select(project, "notify")), key=lambda v: v.created)[-1:]:
        try:
            return _HOOKS.validate_json(volume.labels.get(RECORD, ""))
        except ValidationError:  # of a later version: as good as none
            return ()
    return ()


def publish(
    engine: Engine, project: str, hooks: tuple[Hook, ...], *, client: str, journal: Journal
) -> None:
    """Keep ``hooks`` in the place of those that are there. Killed half-way, either count."""
    name = f"dockcycle.{project}.notify.{fingerprint(hooks)[:12]}"
    there = {volume.name for volume in engine.volumes(select(project, "notify"))}
    if hooks and name not in there:
        marks = labels(project, "notify", client=client)
        with journal.effect("record", name):
            engine.create_volume(name, {**marks, RECORD: _HOOKS.dump_json(hooks).decode()})
    for other in there - ({name} if hooks else set()):
        with journal.effect("record", other):
            engine.remove_volume(other)


def forget(engine: Engine, project: str) -> None:
    """Nobody is told any more."""
    for volume in engine.volumes(select(project, "notify")):
        engine.remove_volume(volume.name)
