"""A stage's context for unit tests: events in a list, effects in a list, ports as given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pipeline.artifacts import Artifact
from pipeline.errors import UsageError
from pipeline.events import Event
from pipeline.scope import Scope
from pipeline.stage import Context, Evidence, Ports, Project, Secrets


@dataclass
class ListJournal:
    """Effects in order: ``(kind, key)`` when begun, and again in ``done``."""

    begun: list[tuple[str, str]] = field(default_factory=list)
    done: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def effect(self, kind: str, key: str) -> Iterator[None]:
        self.begun.append((kind, key))
        yield
        self.done.append((kind, key))


@dataclass
class Recorded:
    """What a stage told and did."""

    events: list[Event] = field(default_factory=list)
    journal: ListJournal = field(default_factory=ListJournal)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def stage_context(
    *artifacts: Artifact, ports: Any = None, recorded: Recorded | None = None,
    secrets: Mapping[str, str] | None = None, directory: Path | None = None,
    scope: Scope | None = None, stage: str = "stage", project: str = "hello",
) -> Context:  # fmt: skip
    """A context with this evidence. ``ports`` may have only those that the stage uses."""
    recorded = recorded or Recorded()
    known = secrets or {}
    directory = directory or Path("/nowhere")

    def load(name: str) -> str:
        if name not in known:
            raise UsageError(f"there is no secret {name}")
        return known[name]

    return Context(
        project=Project(project, directory / "pipeline.yml", directory, directory / "state"),
        run="20261124T020433-3f9a", client="client", stage=stage, evidence=Evidence(artifacts),
        ports=cast(Ports, ports), secrets=Secrets(load, known), journal=recorded.journal,
        scope=scope or Scope(), emit=recorded.events.append,
    )  # fmt: skip
