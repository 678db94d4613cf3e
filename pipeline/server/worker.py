"""One project's jobs, one after the other: fetch, see whether there is anything new, run, tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from pipeline.app.running import new_run_id
from pipeline.errors import (
    Cancelled,
    DockcycleError,
    GitUnusable,
    StageFailed,
    Unusable,
)
from pipeline.scope import Scope
from pipeline.server.checkout import Fetched
from pipeline.server.config import ServedProject
from pipeline.server.following import Code, Following
from pipeline.server.queue import DONE, QUEUED, RUNNING, Job, Queue, Seen
from pipeline.server.runs import Result

ATTEMPTS = 2
"""Of a run that died; it is not to blame for a machine that did."""
TRIES = 3
"""Of a commit for which the engine, a registry or git could not be used, ``poll`` apart."""
BREATH = 1.0
"""Seconds between looks at whether it is time."""


class Executor(Protocol):
    """Who carries a job out; ``Runs`` is one."""

    def check(self, fetched: Fetched) -> None: ...

    def carry_out(
        self, job: Job, fetched: Fetched, scope: Scope, meanwhile: Callable[[], None]
    ) -> Result: ...

    def test(self, job: Job, trusted: Fetched, fetched: Fetched, scope: Scope) -> Result: ...

    def found(self, job: Job, scope: Scope) -> Result | None: ...


class Outdated(Cancelled):
    """There is a newer commit."""


class Stopping(Cancelled):
    """The server ends."""


class Worker:
    """A thread for one project. ``tell`` is called with each job that has begun or is over;
    ``log`` takes lines for people."""

    def __init__(
        self, project: ServedProject, queue: Queue, code: Code, runs: Executor, *,
        gate: threading.Semaphore, poll: float, tell: Callable[[Job], None],
        log: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.project = project
        self._queue, self._code, self._runs = queue, code, runs
        self._gate, self._poll, self._tell = gate, poll, tell
        self._lines = log
        self._following = Following(project, queue, code, self._log)
        self._scope = Scope(what=f"serving {project.name}")
        self._wake = threading.Event()
        self._current: tuple[int, Scope] | None = None
        self._thread = threading.Thread(target=self._work, name=project.name, daemon=True)

    # from outside

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def stop(self) -> None:
        """Ask the thread to end: a run that is under way is told to, and waits for the next
        start."""
        self._scope.cancel(Stopping("the server stops"))
        self._wake.set()

    def join(self, seconds: float) -> bool:
        """Wait for the thread; has it ended?"""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def trouble(self) -> str:
        """Why the repository could not be looked at the last time; empty when it could."""
        return self._following.trouble

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def cancel(self, job: int) -> bool:
        """End a job, queued or running; False when it is neither."""
        if self._queue.drop(job):
            return True
        current = self._current
        if current is None or current[0] != job:
            return False
        current[1].cancel(Cancelled("cancelled by hand"))
        return True

    # the thread

    def _log(self, line: str) -> None:
        self._lines(f"{self.project.name}: {line}")

    def _work(self) -> None:
        compare_at = 0.0
        while not self._scope.cancelled:
            try:
                self._recover()
                if time.monotonic() >= compare_at:
                    self._following.compare(self._scope)
                    compare_at = time.monotonic() + self._poll
                if self._next():
                    continue
            except Stopping:
                return
            except DockcycleError as error:
                self._log(error.message)
            except Exception as error:  # noqa: BLE001 - one job must not end all that follow
                self._log(f"a bug of dockcycle: {type(error).__name__}: {error}")
            self._wake.wait(max(BREATH, min(compare_at - time.monotonic(), self._poll)))
            self._wake.clear()

    def _next(self) -> bool:
        """Carry out the oldest job; False when there is none."""
        if not self._queue.jobs(self.project.name, state=QUEUED, limit=1):
            self._queue.prune(self.project.name)
            return False
        while not self._gate.acquire(timeout=BREATH):
            self._scope.check()
        try:
            job = self._queue.claim(self.project.name, new_run_id())
            if job is not None:
                self._carry_out(job)
        finally:
            self._gate.release()
        return True

    def _recover(self) -> None:
        """See to jobs whose run died, or was begun by a server that did."""
        for job in self._queue.jobs(self.project.name, state=RUNNING):
            self._log(f"looking for run {job.run}, which has begun before")
            found = self._runs.found(job, self._scope)
            if found is None:
                self._carry_out(job)  # should it just be starting: an id begins only once
            elif found.result != "lost" or job.attempts >= ATTEMPTS:
                known = job.commit and job.kind != "pull"
                self._over(job, Seen("", job.commit) if known else None, found)
            else:
                self._queue.again(job.id, new_run_id())
                self._carry_out(self._queue.job(job.id))

    # one job

    def _carry_out(self, job: Job) -> None:
        scope = self._scope.child(self.project.timeout, what=f"the run of {job.name}")
        seen: Seen | None = None
        self._current = (job.id, scope)
        try:
            if job.kind == "rollback":
                result = self._run(job, self._following.trusted(scope), scope)
            elif job.kind == "pull":
                result = self._test(job, self._following.trusted(scope), scope)
            else:
                fetched = self._following.fetch(job, scope)
                job, seen = self._queue.job(job.id), Seen(fetched.tip, fetched.base)
                result = self._following.nothing_new(job, fetched) or self._run(job, fetched, scope)
        except DockcycleError as error:
            result = Result(_failure(error), error.message)
        except Exception as error:
            self._over(job, seen, Result("failed", f"a bug of dockcycle: {error!r}"))
            raise
        finally:
            self._current = None
        if self._scope.cancelled and result.result in ("cancelled", "lost"):
            self._queue.put_back(job)
        elif result.result == "unchanged":
            self._over(job, seen, result)
            self._scope.sleep(BREATH)  # more of the same comes in a burst: one look at the end
        elif result.result == "lost":
            self._wake.set()  # `_recover` sees to it
        else:
            self._over(job, seen, result)

    def _run(self, job: Job, fetched: Fetched, scope: Scope) -> Result:
        self._runs.check(fetched)
        self._log(f"{job.name} at {job.commit[:12]}: run {job.run}")
        self._tell(job)
        return self._runs.carry_out(
            job, fetched, scope, lambda: self._outdated(job, fetched, scope)
        )

    def _test(self, job: Job, trusted: Fetched, scope: Scope) -> Result:
        """Build and test a pull request, by the pipeline file of the branch."""
        fetched = self._code.fetch_pull(job.commit, scope)
        self._log(f"{job.name} at {job.commit[:12]}: run {job.run}")
        self._tell(job)
        return self._runs.test(job, trusted, fetched, scope)

    def _outdated(self, job: Job, fetched: Fetched, scope: Scope) -> None:
        """End a run when something newer was pushed, if that is wanted. What its own `track` has
        pushed is not newer."""
        if self.project.cancel != "outdated" or not self._wake.is_set():
            return
        self._wake.clear()
        waiting = self._queue.jobs(self.project.name, state=QUEUED)
        if not any(other.ref == job.ref for other in waiting):
            return
        try:
            tip = self._code.refs(scope).get(job.ref)
        except GitUnusable as error:
            self._log(error.message)
            return
        if tip not in (None, fetched.tip) and not self._code.is_record(str(tip)):
            scope.cancel(Outdated(f"{job.name} is at {str(tip)[:12]} by now"))

    def _over(self, job: Job, seen: Seen | None, result: Result) -> None:
        """Record how a job ended. The ref is noted first: a kill in between repeats this alone."""
        if seen is not None and not self._again_later(job, result):
            self._queue.see(self.project.name, job.ref, seen)
        self._queue.finish(job.id, result.result, result.message, run=result.record is not None)
        self._log(f"{job.name or job.kind}: {result.result} {result.message}".rstrip())
        if result.result != "unchanged":
            self._tell(self._queue.job(job.id))

    def _again_later(self, job: Job, result: Result) -> bool:
        """Shall the next comparison bring this commit up again?"""
        if result.result == "cancelled":
            newer = self._queue.jobs(self.project.name, state=QUEUED)
            return any(other.ref == job.ref for other in newer)
        if result.result != "unusable":
            return False
        before = self._queue.jobs(self.project.name, state=DONE, limit=TRIES)
        tried = [one for one in before if one.commit == job.commit and one.result == "unusable"]
        return len(tried) < TRIES - 1


def _failure(error: DockcycleError) -> str:
    if isinstance(error, Cancelled):
        return "cancelled"
    if isinstance(error, Unusable):
        return "unusable"
    return "failed" if isinstance(error, StageFailed) else "refused"
