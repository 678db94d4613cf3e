"""The contract of a stage, and what a stage is given.

A stage is a class with an ``Options`` model, the artifacts it ``needs``, ``wants`` and ``makes``,
and ``run``. It is registered as an entry point of the group ``dockcycle.stages`` or named by
``uses:`` in pipeline.yml. docs/writing-a-stage.md walks through one.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from pipeline.artifacts import Artifact, SmokeResult
from pipeline.errors import DockcycleError, Location
from pipeline.events import CheckFinished, Event, Level, Notice, StageLog, StageProgress
from pipeline.kit import labels as kit_labels
from pipeline.kit import secret_refs
from pipeline.ports import Journal, Ports
from pipeline.scope import Scope

__all__ = ["Context", "Evidence", "Ports", "Project", "Secrets", "Stage", "StageOptions", "elapsed"]

A = TypeVar("A", bound=Artifact)


class StageOptions(BaseModel):
    """Base of a stage's options: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


O = TypeVar("O", bound=StageOptions)  # noqa: E741 - the conventional letter for options here


class Evidence:
    """Artifacts made so far, by their type; of several of one type the last one counts."""

    def __init__(self, artifacts: Iterable[Artifact] = ()) -> None:
        self._by_type: dict[type[Artifact], Artifact] = {}
        for artifact in artifacts:
            self.add(artifact)

    def add(self, artifact: Artifact) -> None:
        self._by_type[type(artifact)] = artifact

    def get(self, kind: type[A]) -> A:
        """The artifact of that type.

        Raises:
            DockcycleError: there is none (the planner makes sure of what a stage ``needs``).
        """
        found = self.find(kind)
        if found is None:
            raise DockcycleError(
                f"no {kind.__name__} has been made yet",
                hint=f"Put a stage that makes {kind.__name__} earlier in `stages:`.",
            )
        return found

    def find(self, kind: type[A]) -> A | None:
        """The artifact of that type, or None."""
        found = self._by_type.get(kind)
        return found if isinstance(found, kind) else None

    def __iter__(self) -> Iterator[Artifact]:
        return iter(tuple(self._by_type.values()))

    def __contains__(self, kind: type[Artifact]) -> bool:
        return kind in self._by_type


class Secrets:
    """Named secrets of the pipeline file. Values are masked in every event before any sink."""

    def __init__(self, load: Callable[[str], str], names: Iterable[str] = ()) -> None:
        self._load = load
        self._names = tuple(names)
        self._values: dict[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    def get(self, name: str) -> str:
        """The value.

        Raises:
            UsageError: no secret of that name is declared, or its variable or file is missing.
        """
        if name not in self._values:
            self._values[name] = self._load(name)
        return self._values[name]

    def expand(self, text: str) -> str:
        """``text`` with every ``{secret:NAME}`` replaced by its value."""
        return secret_refs.expand(text, self.get)


@dataclass(frozen=True)
class Project:
    """What is being shipped."""

    name: str
    file: Path
    """The pipeline file."""
    directory: Path
    """The folder of the pipeline file; relative paths in it start here."""
    state: Path
    """A folder of the project's own in the state directory: checkouts and the like."""
    environment: str = ""
    """The overlay in use (``-e``)."""


@dataclass(frozen=True)
class Context:
    """All that a stage is given; there is no other way to the world."""

    project: Project
    run: str
    """Run id."""
    client: str
    """Id of the state directory, for labels."""
    stage: str
    """This stage's key in the pipeline."""
    evidence: Evidence
    ports: Ports
    secrets: Secrets
    journal: Journal
    scope: Scope
    emit: Callable[[Event], None]
    goes_live: bool = False
    """Is there a stage in the pipeline that makes a Release? If not, ``run`` starts the app in
    place."""
    peers: Mapping[str, StageOptions] = field(default_factory=dict)
    """Options of every stage of the pipeline by stage name: facts that hold for all of it, such as
    the Compose files that ``run`` names and ``build`` needs."""
    trigger: str = "cli"
    variables: Mapping[str, str] = field(default_factory=dict)
    """The environment that the file was interpolated with."""

    def get(self, kind: type[A]) -> A:
        return self.evidence.get(kind)

    def find(self, kind: type[A]) -> A | None:
        return self.evidence.find(kind)

    def path(self, relative: str) -> Path:
        """A path from pipeline.yml, absolute."""
        return (self.project.directory / relative).resolve()

    def labels(
        self, role: kit_labels.Role, *, service: str = "", release: str = ""
    ) -> dict[str, str]:
        """Labels for something that this run makes."""
        return kit_labels.labels(
            self.project.name, role, run=self.run, client=self.client, service=service,
            release=release,
        )  # fmt: skip

    def within(self, seconds: float | None, what: str) -> Context:
        """The same, with a narrower scope."""
        return replace(self, scope=self.scope.child(seconds, what=what))

    # events

    def log(self, line: str, *, step: str = "") -> None:
        """Pass on a line of foreign output."""
        self.emit(StageLog(stage=self.stage, line=line, step=step))

    def progress(
        self, message: str, *, done: int | None = None, total: int | None = None, unit: str = ""
    ) -> None:
        """Say what the stage is at."""
        self.emit(
            StageProgress(stage=self.stage, message=message, done=done, total=total, unit=unit)
        )

    def notice(
        self, message: str, *, level: Level = "info", hint: str = "", rule: str = "",
        where: Location | None = None,
    ) -> None:  # fmt: skip
        """Tell the user something that is no failure."""
        self.emit(
            Notice(
                stage=self.stage, level=level, message=message, hint=hint, rule=rule, where=where
            )
        )

    def checked(
        self, check: str, *, passed: bool, seconds: float, advisory: bool = False,
        attempts: int = 1, message: str = "",
    ) -> None:  # fmt: skip
        """Tell the outcome of one check."""
        self.emit(
            CheckFinished(
                stage=self.stage, check=check, passed=passed, seconds=round(seconds, 3),
                advisory=advisory, attempts=attempts, message=message,
            )
        )  # fmt: skip

    def smoked(self, result: SmokeResult) -> None:
        """Tell the outcome of one smoke check."""
        self.checked(
            result.name,
            passed=result.passed,
            seconds=result.seconds,
            advisory=result.advisory,
            attempts=result.attempts,
            message=result.message,
        )


class Stage(ABC, Generic[O]):
    """One step of a pipeline.

    Order: for a run the planner calls ``fingerprint`` and, if that equals the last success's,
    ``still_valid``; the runner then calls ``preflight`` of all that will run, before it calls
    ``run`` once per attempt, and ``cleanup`` only after a failure or an interruption of the run.
    Methods of one instance are never called at once.
    A stage starts when all earlier ones have ended that make what it needs or wants; one that
    needs and wants nothing waits for all earlier ones. So two stages may run side by side.
    """

    name: ClassVar[str]
    """The stage's word in pipeline.yml."""
    summary: ClassVar[str] = ""
    """One line for ``dockcycle stages``."""
    Options: ClassVar[type[StageOptions]] = StageOptions
    needs: ClassVar[frozenset[type[Artifact]]] = frozenset()
    """Evidence without which it cannot start."""
    wants: ClassVar[frozenset[type[Artifact]]] = frozenset()
    """Evidence that it uses if the pipeline makes it."""
    makes: ClassVar[frozenset[type[Artifact]]] = frozenset()
    releases: ClassVar[bool] = False
    """It changes the world outside: starts only when every stage before it has succeeded."""
    default_timeout: ClassVar[float] = 600.0
    """Seconds."""

    def __init__(self, options: O) -> None:
        self.options = options

    @abstractmethod
    def run(self, ctx: Context) -> Sequence[Artifact]:
        """Do the work; return exactly one artifact of each type in ``makes``.

        Idempotent: what an earlier, killed attempt left must not disturb. Every side effect
        outside goes through ``ctx.journal.effect`` and carries ``ctx.labels``.

        Raises:
            DockcycleError: with cause and next step.
        """

    def fingerprint(self, ctx: Context) -> str | None:
        """A hash of all inputs: options, needed evidence, anything else that would change the
        result. None: never skip. Reads only; called while planning, when all evidence that it
        needs is known."""
        return None

    def still_valid(self, ctx: Context, artifacts: Sequence[Artifact]) -> bool:
        """Are the outputs of the last success still there? Reads only, quickly."""
        return True

    def scaffolding(self, ctx: Context) -> bool:
        """Is what it makes of use to later stages of the same run only (a candidate that goes away
        again)? Then it is not run when nothing that runs needs it."""
        return False

    def preflight(self, ctx: Context) -> None:
        """See that what it will need outside is there (an engine, a free port), as far as that can
        be told before any stage has run: there is no evidence yet. Reads only, quickly.

        Raises:
            DockcycleError: it is not, so no stage need start.
        """

    def cleanup(self, ctx: Context) -> None:
        """Undo what must not stay after a failed run. Idempotent; safe if ``run`` never began, and
        after a success of this stage when a later one failed. Has a scope of its own."""

    def finish(self, ctx: Context) -> None:
        """The whole run succeeded: remove what was only scaffolding. Same rules as ``cleanup``."""


def elapsed(start: float) -> float:
    """Seconds since ``start`` (a ``time.monotonic`` value)."""
    return time.monotonic() - start
