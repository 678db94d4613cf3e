"""Running small pipelines of ``Told`` stages without a file, an engine or a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pipeline.artifacts import Artifact
from pipeline.config import Entry
from pipeline.events import Event
from pipeline.planner import Memory, Plan, Planner, Selection
from pipeline.runner import EventBus, Identity, Masker, Runner, RunResult, StoreJournal
from pipeline.scope import Scope
from pipeline.stage import Context, Evidence, Ports, Project, Secrets
from pipeline.store import Home, StageRecord, Store
from tests.support.stages import Log, Told

_numbers = itertools.count(1)


@dataclass
class Bench:
    """A store and everything around it; ``run`` plans and runs."""

    path: Path
    log: Log = field(default_factory=Log)
    events: list[Event] = field(default_factory=list)
    masker: Masker = field(default_factory=Masker)

    def __post_init__(self) -> None:
        self.store = Store(Home(self.path / "home"))

    def stage(self, key: str, **told: Any) -> Told:
        return Told(self.log, key, **told)

    def context(
        self, key: str, evidence: Evidence, scope: Scope, emit: Callable[[Event], None]
    ) -> Context:
        return Context(
            project=Project("hello", self.path / "pipeline.yml", self.path, self.path),
            run="r", client="c", stage=key, evidence=evidence, ports=cast(Ports, None),
            secrets=Secrets(self.masker.watch(lambda name: f"secret-of-{name}")),
            journal=StoreJournal(self.store, "r", key), scope=scope, emit=emit,
        )  # fmt: skip

    def plan(self, stages: Sequence[Told], selection: Selection | None = None,
             applies: Callable[[Entry], str | None] = lambda entry: None) -> Plan:  # fmt: skip
        kinds = {type(a).__name__: type(a) for stage in stages for a in stage.products}

        def last(key: str) -> tuple[StageRecord, tuple[Artifact, ...]] | None:
            found = self.store.last_success("hello", key)
            if found is None:
                return None
            artifacts = [kinds[a["type"]].model_validate(a["value"]) for a in found[1].artifacts]
            return found[1], tuple(artifacts)

        return Planner(
            [(entry_of(stage), stage) for stage in stages],
            memory=Memory(last),
            context=lambda key, evidence: self.context(key, evidence, Scope(), self.events.append),
            applies=applies,
        ).plan(selection or Selection())

    def run(self, stages: Sequence[Told], *, selection: Selection | None = None,
            scope: Scope | None = None, sequential: bool = False,
            **entries: dict[str, Any]) -> RunResult:  # fmt: skip
        """Plan and run; ``entries`` are more settings of an entry, by its key."""
        plan = self.plan(stages, selection)
        plan = Plan(tuple(_with_entry(step, entries.get(step.key, {})) for step in plan.steps))
        run = f"20260101T000000-{next(_numbers):04d}"
        bus = EventBus(
            run, self.masker, record=lambda n, e: self.store.event(run, n, e),
            renderers=[self.events.append],
        )  # fmt: skip
        return Runner(
            Identity(run, "hello", "pipeline.yml", "cli", 1), plan, store=self.store, bus=bus,
            masker=self.masker, context=self.context, scope=scope or Scope(),
            sequential=sequential,
        ).run()  # fmt: skip


def entry_of(stage: Told, **more: Any) -> Entry:
    return Entry.of(stage, stage.key, **more)


def _with_entry(step: Any, more: dict[str, Any]) -> Any:
    from dataclasses import replace

    return replace(step, entry=entry_of(step.stage, **more)) if more else step
