"""Planning and running a pipeline: load, settle what a dead run left, plan, run."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial

from pydantic import TypeAdapter

from pipeline.app.notify import notify
from pipeline.app.settle import settle
from pipeline.app.signals import signals_to
from pipeline.app.standing import standing
from pipeline.app.workspace import Workspace
from pipeline.artifacts import BUILT_IN, Artifact, Release
from pipeline.config import Entry, When
from pipeline.events import Event, Notice, Sink
from pipeline.planner import AnyStage, Memory, Plan, Planner, Selection
from pipeline.ports.repo import Head
from pipeline.runner import EventBus, Identity, Runner, RunResult, StoreJournal
from pipeline.scope import Scope
from pipeline.stage import Context, Evidence, StageOptions
from pipeline.store import LockHolder, StageRecord

OWN_TAGS = "dockcycle/"
"""How the tags that `track` makes by default begin."""


@dataclass(frozen=True)
class RunOptions:
    """How to run. ``wait`` is how many seconds to wait for another run of the project."""

    selection: Selection = field(default_factory=Selection)
    sequential: bool = False
    wait: float = 0.0
    run: str | None = None
    """The run's id; a new one without. One that is taken already is refused by the store."""


def run_pipeline(workspace: Workspace, options: RunOptions, renderers: Sequence[Sink]) -> RunResult:
    """Run the pipeline once, under the project's lock.

    Raises:
        ConfigError, UsageError: before anything is done.
        Locked: another run is under way.
    """
    with started(workspace, "run", options.wait, renderers, run=options.run) as (run, scope):
        plan = make_plan(workspace, run, options.selection, scope)
        return execute(workspace, run, plan, scope, renderers, sequential=options.sequential)


def make_plan(
    workspace: Workspace, run: str, selection: Selection, scope: Scope | None = None
) -> Plan:
    """What would run and why; reads only."""
    scope = (scope or Scope()).child(60, what="planning")
    contexts = ContextMaker(workspace, run, [stage for _, stage in workspace.stages])
    return Planner(
        workspace.stages,
        memory=Memory(lambda key: last_success(workspace, key)),
        context=lambda key, evidence: contexts(key, evidence, scope, _silent),
        applies=Applies(workspace),
    ).plan(selection)


def execute(
    workspace: Workspace,
    run: str,
    plan: Plan,
    scope: Scope,
    renderers: Sequence[Sink],
    *,
    sequential: bool = False,
) -> RunResult:
    """Carry out a plan and record it."""
    store, masker = workspace.store, workspace.masker
    bus = EventBus(
        run,
        masker,
        record=lambda number, event: store.event(run, number, event),
        renderers=renderers,
    )
    identity = Identity(
        run=run,
        project=workspace.head.name,
        file=str(workspace.head.file),
        trigger=workspace.request.trigger,
        pid=os.getpid(),
    )
    return Runner(
        identity,
        plan,
        store=store,
        bus=bus,
        masker=masker,
        context=ContextMaker(workspace, run, [step.stage for step in plan.steps]),
        scope=scope,
        sequential=sequential,
        standing=partial(standing, workspace),
        telling=partial(notify, workspace, plan),
    ).run()


class ContextMaker:
    """Makes the context of each stage of one run."""

    def __init__(self, workspace: Workspace, run: str, stages: Sequence[AnyStage]) -> None:
        self._workspace = workspace
        self._run = run
        self._goes_live = any(Release in stage.makes for stage in stages)
        self._peers: dict[str, StageOptions] = {
            stage.name: stage.options for stage in reversed(stages)
        }

    def __call__(
        self, key: str, evidence: Evidence, scope: Scope, emit: Callable[[Event], None]
    ) -> Context:
        workspace = self._workspace
        return Context(
            project=workspace.project,
            run=self._run,
            client=workspace.home.client(),
            stage=key,
            evidence=evidence,
            ports=workspace.ports,
            secrets=workspace.secrets,
            journal=StoreJournal(workspace.store, self._run, key),
            scope=scope,
            emit=emit,
            goes_live=self._goes_live,
            peers=self._peers,
            trigger=workspace.request.trigger,
            variables=workspace.head.variables,
        )


class Applies:
    """Does an entry's ``when:`` hold here? git is asked only if there is one."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def __call__(self, entry: Entry) -> str | None:
        """None if it holds, else why not. Of several tags at the commit one is enough."""
        if entry.when == When():
            return None
        request = self._workspace.request
        tags: Sequence[str | None] = self._tags or [None]
        answers = [
            entry.when.matches(
                branch=self._head.branch if self._head else None,
                tag=tag,
                environment=request.environment or "",
                trigger=request.trigger,
            )
            for tag in tags
        ]
        return None if None in answers else answers[0]

    @cached_property
    def _head(self) -> Head | None:
        workspace = self._workspace
        return workspace.ports.repo.head(str(workspace.pipeline.directory))

    @cached_property
    def _tags(self) -> list[str]:
        """The user's tags at the commit; those of ``track`` mark what was shipped already."""
        if self._head is None or self._head.commit is None:
            return []
        found = self._workspace.ports.repo.tags(self._head.root, self._head.commit)
        return [tag for tag in found if not tag.startswith(OWN_TAGS)]


def new_run_id() -> str:
    """Sorts by time; the suffix keeps two of the same second apart."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def typed(record: StageRecord, kinds: Mapping[str, type[Artifact]]) -> tuple[Artifact, ...] | None:
    """A record's artifacts; None when one of them is of a form that is no longer known."""
    found: list[Artifact] = []
    for item in record.artifacts:
        kind = kinds.get(item["type"])
        if kind is None:
            return None
        try:
            found.append(TypeAdapter(kind).validate_python(item["value"]))
        except ValueError:
            return None
    return tuple(found)


@contextmanager
def started(
    workspace: Workspace, what: str, wait: float, renderers: Sequence[Sink], run: str | None = None
) -> Iterator[tuple[str, Scope]]:
    """A run id and a scope that ends with Ctrl-C, under the project's lock and with what dead runs
    left settled.

    Raises:
        Locked: another run is under way.
    """

    def tell(message: str) -> None:
        for renderer in renderers:
            renderer(Notice(message=message))

    def waiting(holder: LockHolder | None) -> None:
        tell(f"waiting for {holder or 'another run'} to end")

    run, scope = run or new_run_id(), Scope(what="run")
    with (
        signals_to(scope),
        workspace.lock.hold(f"{what} {run}", wait=wait, scope=scope, on_wait=waiting),
    ):
        for line in settle(workspace, scope):
            tell(line)
        yield run, scope


def last_success(workspace: Workspace, key: str) -> tuple[StageRecord, tuple[Artifact, ...]] | None:
    found = workspace.store.last_success(workspace.head.name, key)
    if found is None:
        return None
    kinds = {kind.__name__: kind for kind in BUILT_IN}
    for entry, stage in workspace.stages:
        if entry.key == key:
            kinds |= {kind.__name__: kind for kind in stage.makes}
    artifacts = typed(found[1], kinds)
    return None if artifacts is None else (found[1], artifacts)


def _silent(_event: Event) -> None:
    """Planning tells nothing."""
