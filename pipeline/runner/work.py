"""One stage in a thread of its own: attempts, deadline, outcome."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from pipeline.artifacts import Artifact
from pipeline.errors import (
    Cancelled,
    DeadlineExceeded,
    DockcycleError,
    StoreUnusable,
    of_the_machine,
)
from pipeline.events import Notice, StageStarted
from pipeline.planner import Step, fingerprint_of
from pipeline.runner.outcome import StageOutcome
from pipeline.stage import Context

RETRY_PAUSE = 1.0
"""Seconds before the second attempt; each further pause is twice as long, 30 s at most."""


class Work:
    """A stage that is running. ``done`` is called, from its thread, exactly once."""

    def __init__(self, step: Step, context: Context, done: Callable[[StageOutcome], None]) -> None:
        self.step = step
        self.context = context
        self._done = done
        self._started = time.time()
        self._clock = time.monotonic()
        # A daemon: a stage that hangs in foreign code must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"stage {step.key}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def given_up(self) -> StageOutcome:
        """The outcome when the stage's thread does not come back."""
        scope = self.context.scope
        try:
            scope.check()
            error: DockcycleError = scope.timed_out()
        except DockcycleError as reason:
            error = reason
        return self._outcome(error=error)

    def _run(self) -> None:
        fingerprint: str | None = None
        try:
            # Before the work: an input that changes while the stage runs must count as changed.
            fingerprint = fingerprint_of(self.step.entry, self.step.stage, self.context)
            artifacts = self._attempts()
        except OSError as error:
            self._done(self._outcome(error=of_the_machine(error) or error))
        except Exception as error:  # noqa: BLE001 - the thread's edge: becomes the outcome
            self._done(self._outcome(error=error))
        else:
            self._done(self._outcome(artifacts=artifacts, fingerprint=fingerprint))

    def _attempts(self) -> tuple[Artifact, ...]:
        """Run the stage, again after a failure as often as ``retries:`` says."""
        attempt = 1
        while True:
            self.context.emit(StageStarted(stage=self.step.key, attempt=attempt))
            try:
                return self._checked(tuple(self.step.stage.run(self.context)))
            except (Cancelled, DeadlineExceeded, StoreUnusable):
                raise
            except DockcycleError as error:
                if attempt > self.step.entry.retries:
                    raise
                self.context.emit(
                    Notice(
                        stage=self.step.key,
                        level="warning",
                        message=f"attempt {attempt} failed: {error.message}",
                    )
                )
                self.step.stage.cleanup(self.context)
                self.context.scope.sleep(min(30.0, RETRY_PAUSE * 2 ** (attempt - 1)))
                attempt += 1

    def _checked(self, artifacts: tuple[Artifact, ...]) -> tuple[Artifact, ...]:
        """A stage makes what it says: anything else is a bug in it."""
        made, promised = {type(artifact) for artifact in artifacts}, set(self.step.stage.makes)
        if made != promised:
            names = sorted(kind.__name__ for kind in made ^ promised)
            raise TypeError(f"stage {self.step.key} must make exactly its `makes`: {names} differ")
        self.context.scope.check()
        return artifacts

    def _outcome(
        self,
        *,
        artifacts: tuple[Artifact, ...] = (),
        fingerprint: str | None = None,
        error: Exception | None = None,
    ) -> StageOutcome:
        outcome = StageOutcome(
            step=self.step,
            status="passed",
            started=self._started,
            seconds=time.monotonic() - self._clock,
            artifacts=artifacts,
            fingerprint=fingerprint,
            error=error,
            reason=self.step.reason,
        )
        if error is None:
            return outcome
        if isinstance(error, Cancelled):
            return replace(outcome, status="cancelled")
        allowed = self.step.entry.allow_failure and not isinstance(error, StoreUnusable)
        return replace(outcome, status="allowed_failure" if allowed else "failed")
