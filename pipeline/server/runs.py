"""A job's run: started as the command line starts it, and found again in the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.app.workspace import Request, Workspace
from pipeline.errors import Exit, NotFound, UsageError
from pipeline.kit.text import sanitize
from pipeline.runner import Masker
from pipeline.scope import Scope
from pipeline.server import guest
from pipeline.server.checkout import Checkout, Fetched
from pipeline.server.config import ServedProject
from pipeline.server.process import Ended, Order, run_order
from pipeline.server.queue import Job
from pipeline.store import ProjectLock, RunRecord, Store

TRIGGER, ASKED = "webhook", "page"
"""What the record says: a delivery (or a push that was made up), or a person at the page."""
LOCK_WAIT = "30m"
"""How long a run waits for one that somebody started by hand."""
LOOK_AGAIN = 0.5
CLEAN_UP = 120.0
"""Seconds to remove what a pull request has left."""
LONGEST = 1000
"""Characters of a message."""

_RESULTS: Mapping[int, str] = {
    Exit.OK: "passed",
    Exit.USAGE: "refused",
    Exit.UNUSABLE: "unusable",
    Exit.INTERRUPTED: "cancelled",
    Exit.TERMINATED: "cancelled",
}


@dataclass(frozen=True)
class Result:
    """What became of a run: ``passed``, ``failed``, ``unusable`` (an engine, a registry or git),
    ``refused`` (a mistake in a file), ``cancelled`` or ``lost`` (it died)."""

    result: str
    message: str = ""
    record: RunRecord | None = None


class Runs:
    """The runs of one project."""

    def __init__(
        self, project: ServedProject, checkout: Checkout, store: Store, masker: Masker,
        environ: Mapping[str, str],
    ) -> None:  # fmt: skip
        self._project = project
        self._checkout = checkout
        self._store = store
        self._masker = masker
        self._environ = environ

    def check(self, fetched: Fetched) -> None:
        """Raises ``DockcycleError`` unless the pipeline file is there and of this project."""
        project = self._project
        request = Request(
            directory=fetched.folder, environ=self._environment(), environment=project.environment,
            file=None if project.file is None else fetched.folder / project.file,
        )  # fmt: skip
        named = Workspace(request).head.name
        if named != project.name:
            raise UsageError(
                f"the pipeline file is of the project {named}, not of {project.name}",
                hint="`name:` in serve.yml is the name that the pipeline file has.",
            )

    def carry_out(
        self, job: Job, fetched: Fetched, scope: Scope, meanwhile: Callable[[], None]
    ) -> Result:
        """Run the pipeline on what was fetched, to its end."""
        if job.kind == "image":
            ended = run_order(self._order(fetched, "update"), scope, meanwhile)
            if ended.exit_code not in (Exit.OK, Exit.UNUSABLE):
                return self._of_exit(ended)
        trigger = ASKED if job.kind in ("asked", "rollback") else TRIGGER
        options = ["--trigger", trigger, "--run-id", str(job.run), "--wait", LOCK_WAIT]
        command = ["rollback", "--", job.ref] if job.kind == "rollback" else ["run"]
        order = self._order(fetched, command[0], *options, *command[1:])
        ended = run_order(order, scope, meanwhile)
        return self._result(job, ended, scope)

    def test(self, job: Job, trusted: Fetched, fetched: Fetched, scope: Scope) -> Result:
        """Build and test a pull request on its own, and remove what that made.

        Raises:
            UsageError, ConfigError: the pipeline cannot be run for strangers.
        """
        number = "".join(filter(str.isdigit, job.ref))
        environ = guest.environment(self._environ, self._checkout.pulls / "home")
        one = guest.admit(self._project, number, trusted.folder, fetched.folder, environ)

        def order(command: str, *options: str) -> Order:
            args = (*self._shared(), *one.shared, command, *options)
            return Order(fetched.folder, args, environ)

        options = ("--trigger", "pull-request", "--run-id", str(job.run), "--wait", LOCK_WAIT)
        try:
            ended = run_order(order("run", *one.options, *options), scope, _nothing)
        finally:
            for command in (("down", "--volumes"), ("prune", "--keep-runs", "20")):
                run_order(order(*command), Scope(CLEAN_UP, what="cleaning up"), _nothing)
        return self._result(job, ended, scope)

    def _result(self, job: Job, ended: Ended, scope: Scope) -> Result:
        found = self.found(job, Scope(CLEAN_UP) if ended.stopped else scope)
        if ended.stopped is not None and (found is None or found.result != "passed"):
            over = "cancelled" if scope.cancelled else "failed"
            return Result(over, ended.stopped.message, found.record if found else None)
        return found or self._of_exit(ended)

    def found(self, job: Job, scope: Scope) -> Result | None:
        """What the store has of the job's run, once that is over; None when it has nothing."""
        while (record := self._record(job)) is not None:
            if record.status != "running":
                return _of_record(record)
            holder = ProjectLock(self._store.home, record.project).holder()
            if holder is None or str(job.run) not in holder.what:
                # It may have ended between the two looks.
                record = self._record(job) or record
                over = record.status != "running"
                return _of_record(record) if over else Result("lost", "the run died", record)
            scope.sleep(LOOK_AGAIN)
        return None

    def _record(self, job: Job) -> RunRecord | None:
        try:
            record = self._store.run(str(job.run))
        except NotFound:
            return None
        return record if record.id == job.run else None

    def _order(self, fetched: Fetched, command: str, *options: str) -> Order:
        return Order(fetched.folder, (*self._shared(), command, *options), self._environment())

    def _shared(self) -> list[str]:
        """Options that every command takes."""
        project = self._project
        shared = ["--output", "plain"]
        if project.file is not None:
            shared += ["--file", project.file]
        if project.environment is not None:
            shared += ["--environment", project.environment]
        return shared

    def _environment(self) -> dict[str, str]:
        return {**self._environ, **self._checkout.environment(self._environ)}

    def _of_exit(self, ended: Ended) -> Result:
        words = self._masker.text(ended.complaint)
        lines = [sanitize(line).removeprefix("error: ") for line in words.splitlines()]
        message = "\n".join(lines)[:LONGEST] or f"exit code {ended.exit_code}"
        return Result(_RESULTS.get(ended.exit_code, "failed"), message)


def _nothing() -> None:
    """Meanwhile."""


def _of_record(record: RunRecord) -> Result:
    result = {"passed": "passed", "interrupted": "cancelled", "lost": "lost"}.get(record.status)
    if result is None:
        result = "unusable" if record.exit_code == Exit.UNUSABLE else "failed"
    return Result(result, _cause(record), record)


def _cause(record: RunRecord) -> str:
    """The stage that failed, and why."""
    for stage in record.stages:
        if stage.status == "failed" and stage.error:
            return f"{stage.key}: {stage.error.get('message', '')}"[:LONGEST]
    return ""
