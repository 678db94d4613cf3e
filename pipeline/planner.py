"""Decides, before anything is done, which stages will run and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.artifacts import Artifact
from pipeline.config import Entry
from pipeline.errors import UsageError
from pipeline.events import PlannedStage
from pipeline.kit.hashing import fingerprint
from pipeline.stage import Context, Evidence, Stage
from pipeline.store import StageRecord

Action = Literal["run", "reuse", "skip"]
AnyStage = Stage[Any]


@dataclass(frozen=True)
class Selection:
    """What the command line asks for: keys of stages, all inclusive."""

    first: str | None = None
    last: str | None = None
    force: bool = False
    """Run even what could be reused."""

    def place(self, keys: Sequence[str]) -> tuple[int, int]:
        """Positions of the first and last stage.

        Raises:
            UsageError: there is no such stage, or they are the wrong way round.
        """
        for key in (self.first, self.last):
            if key is not None and key not in keys:
                raise UsageError(
                    f"the pipeline has no stage {key!r}", hint=f"It has: {', '.join(keys)}."
                )
        start = keys.index(self.first) if self.first else 0
        end = keys.index(self.last) if self.last else len(keys) - 1
        if start > end:
            raise UsageError(f"stage {self.first!r} comes after stage {self.last!r}")
        return start, end


@dataclass(frozen=True)
class Step:
    """One stage of the plan. ``artifacts`` are what a reused stage made the last time."""

    entry: Entry
    stage: AnyStage
    action: Action
    reason: str
    artifacts: tuple[Artifact, ...] = ()
    previous: StageRecord | None = None
    scaffold: bool = False
    """What it makes is of use to later stages of the same run only."""

    @property
    def key(self) -> str:
        return self.entry.key


@dataclass(frozen=True)
class Plan:
    """The steps in order."""

    steps: tuple[Step, ...]

    @property
    def nothing_to_do(self) -> bool:
        return all(step.action != "run" for step in self.steps)

    def lines(self) -> tuple[PlannedStage, ...]:
        return tuple(
            PlannedStage(key=s.key, uses=s.entry.uses, action=s.action, reason=s.reason)
            for s in self.steps
        )


@dataclass(frozen=True)
class Memory:
    """What the planner may look up: a stage's last success, as typed artifacts."""

    last_success: Callable[[str], tuple[StageRecord, tuple[Artifact, ...]] | None]


@dataclass
class _Planning:
    """The state of one pass over the stages."""

    evidence: Evidence = field(default_factory=Evidence)
    remade: dict[type[Artifact], str] = field(default_factory=dict)
    """Artifact types that will be made anew → by which stage."""
    missing: dict[type[Artifact], str] = field(default_factory=dict)
    """Types that will not exist → because of which stage."""
    steps: list[Step] = field(default_factory=list)


class Planner:
    """Makes a ``Plan``. Reads only."""

    def __init__(
        self, pairs: Sequence[tuple[Entry, AnyStage]], *, memory: Memory,
        context: Callable[[str, Evidence], Context], applies: Callable[[Entry], str | None],
    ) -> None:  # fmt: skip
        """``context`` gives a stage's context; ``applies`` says why an entry's ``when:`` keeps it
        out, or None."""
        self._pairs = pairs
        self._memory = memory
        self._context = context
        self._applies = applies

    def plan(self, selection: Selection) -> Plan:
        """Decide for every stage.

        A stage that only makes scaffolding for later ones is taken as reused at first; if one of
        those turns out to run, the plan is made once more with it forced.

        Raises:
            UsageError: the selection makes no sense, or asks to reuse what does not exist.
        """
        start, end = selection.place([entry.key for entry, _ in self._pairs])
        forced: dict[str, str] = {}
        while True:
            steps = self._pass(start, end, selection, forced)
            needed = _needed_scaffolding(steps)
            if not needed:
                return Plan(steps=tuple(steps))
            forced |= needed

    def _pass(
        self, start: int, end: int, selection: Selection, forced: dict[str, str]
    ) -> list[Step]:
        state = _Planning()
        for position, (entry, stage) in enumerate(self._pairs):
            if position < start:
                step = self._earlier(entry, stage, state, selection, forced)
            elif position > end:
                step = Step(entry, stage, "skip", f"after --to {selection.last}")
            else:
                step = self._decide(entry, stage, state, selection, forced)
            _account(state, step)
        return state.steps

    def _earlier(
        self, entry: Entry, stage: AnyStage, state: _Planning, selection: Selection,
        forced: dict[str, str],
    ) -> Step:  # fmt: skip
        """A stage before ``--from``: its last success has to do."""
        if why := self._applies(entry):
            return Step(entry, stage, "skip", why)
        if entry.key in forced:
            return Step(entry, stage, "run", forced[entry.key])
        found = self._memory.last_success(entry.key)
        if found is None:
            raise UsageError(
                f"--from {selection.first} needs the result of {entry.key!r}, which has never"
                " succeeded here",
                hint=f"Run `dockcycle run --from {entry.key}`, or without --from.",
            )
        record, artifacts = found
        context = self._context(entry.key, _with(state.evidence, artifacts))
        why = f"before --from {selection.first}"
        if stage.scaffolding(context):
            return Step(entry, stage, "reuse", why, artifacts, record, scaffold=True)
        if not stage.still_valid(context, artifacts):
            raise UsageError(
                f"--from {selection.first} needs the result of {entry.key!r}, which is gone",
                hint=f"Run `dockcycle run --from {entry.key}`, or without --from.",
            )
        return Step(entry, stage, "reuse", why, artifacts, record)

    def _decide(
        self, entry: Entry, stage: AnyStage, state: _Planning, selection: Selection,
        forced: dict[str, str],
    ) -> Step:  # fmt: skip
        if why := self._applies(entry):
            return Step(entry, stage, "skip", why)
        if absent := [kind for kind in stage.needs if kind in state.missing]:
            why = f"needs {absent[0].__name__}, which {state.missing[absent[0]]} does not make"
            return Step(entry, stage, "skip", why)
        if entry.key in forced:
            return Step(entry, stage, "run", forced[entry.key])
        if selection.force:
            return Step(entry, stage, "run", "--force")
        makers = [state.remade[kind] for kind in _order(stage) if kind in state.remade]
        if makers:
            return Step(entry, stage, "run", f"{makers[0]} runs")
        return self._compare(entry, stage, state)

    def _compare(self, entry: Entry, stage: AnyStage, state: _Planning) -> Step:
        """All inputs are known: has anything changed since the last success?"""
        context = self._context(entry.key, state.evidence)
        inputs = fingerprint_of(entry, stage, context)
        if inputs is None:
            return Step(entry, stage, "run", "always runs")
        found = self._memory.last_success(entry.key)
        if found is None:
            return Step(entry, stage, "run", "has not succeeded yet")
        record, artifacts = found
        if record.fingerprint != inputs:
            return Step(entry, stage, "run", "its inputs changed", previous=record)
        if stage.scaffolding(context):
            return Step(entry, stage, "reuse", "nothing needs it", artifacts, record, scaffold=True)
        if not stage.still_valid(context, artifacts):
            return Step(entry, stage, "run", "its result is gone", previous=record)
        return Step(entry, stage, "reuse", "unchanged", artifacts, record)


def fingerprint_of(entry: Entry, stage: AnyStage, context: Context) -> str | None:
    """What the stage says its inputs are, and which code of it: a changed plug-in runs again."""
    own = stage.fingerprint(context)
    return None if own is None else fingerprint(entry.version, own)


def _order(stage: AnyStage) -> list[type[Artifact]]:
    """Needed and wanted types, in an order that does not change from run to run."""
    return sorted(stage.needs | stage.wants, key=lambda kind: kind.__name__)


def _with(evidence: Evidence, artifacts: Iterable[Artifact]) -> Evidence:
    return Evidence([*evidence, *artifacts])


def _account(state: _Planning, step: Step) -> None:
    """Add a decided step to the state."""
    state.steps.append(step)
    for kind in step.stage.makes:
        state.remade.pop(kind, None)
        state.missing.pop(kind, None)
        if step.action == "run":
            state.remade[kind] = step.key
        elif step.action == "skip":
            state.missing[kind] = step.key
    if step.action == "reuse":
        for artifact in step.artifacts:
            state.evidence.add(artifact)


def _needed_scaffolding(steps: Sequence[Step]) -> dict[str, str]:
    """Scaffolding stages that were reused although a later stage that runs needs what they make."""
    needed: dict[str, str] = {}
    for position, step in enumerate(steps):
        if step.action != "reuse" or not step.scaffold:
            continue
        for later in steps[position + 1 :]:
            if later.action == "run" and step.stage.makes & (later.stage.needs | later.stage.wants):
                needed[step.key] = f"{later.key} needs it"
                break
    return needed
