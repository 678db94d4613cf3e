"""What the parts of the server share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property

from pipeline.runner import Masker
from pipeline.server.checkout import Checkout
from pipeline.server.config import ServedProject
from pipeline.server.hooks import Hooks
from pipeline.server.inbox import Inbox
from pipeline.server.loading import Settings, require_secrets
from pipeline.server.queue import Job, Queue
from pipeline.server.reports import Reporter
from pipeline.server.runs import Runs
from pipeline.server.wishes import Wish
from pipeline.server.worker import Worker
from pipeline.stage import Secrets
from pipeline.store import Home, Store

STOP_LIMIT = 100.0
"""Seconds for runs to clean up when the server stops."""


class State:
    """One server. Its parts are made when they are first asked for; ``start`` and ``stop`` are for
    whoever serves it."""

    def __init__(
        self, settings: Settings, masker: Masker | None = None,
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.masker = masker or Masker()
        self._log = log

    @property
    def projects(self) -> Mapping[str, ServedProject]:
        """By name, in the order of the file."""
        return {project.name: project for project in self.settings.serve.projects}

    @cached_property
    def home(self) -> Home:
        return Home.find(self.settings.variables)

    @cached_property
    def store(self) -> Store:
        """The history of runs, the same that the command line reads and writes."""
        return Store(self.home)

    @cached_property
    def secrets(self) -> Secrets:
        return self.settings.open_secrets(self.masker)

    @property
    def token(self) -> str | None:
        """What allows actions; None: nothing does."""
        name = self.settings.serve.token
        return None if name is None else self.secrets.get(name)

    def check(self) -> None:
        """Read every secret that is used.

        Raises:
            UsageError: a secret has no value, or is too short to be one.
        """
        require_secrets(self.settings, self.secrets)

    @cached_property
    def queue(self) -> Queue:
        """Deliveries and jobs."""
        return Queue(self.home)

    @cached_property
    def workers(self) -> Mapping[str, Worker]:
        """By project."""
        gate = threading.Semaphore(self.settings.serve.concurrency)
        return {name: self._worker(project, gate) for name, project in self.projects.items()}

    @cached_property
    def reporters(self) -> Mapping[str, Reporter]:
        """By project, of those that report to anybody."""
        return {
            name: Reporter(
                project, self.queue, self.store, self.secrets, page=self.settings.serve.url,
                log=self.log,
            )
            for name, project in self.projects.items()
            if project.report is not None
        }  # fmt: skip

    @cached_property
    def inbox(self) -> Inbox:
        return Inbox(self.queue.take, self._arrived)

    @cached_property
    def hooks(self) -> Hooks:
        """The endpoint for deliveries, with its counts."""
        return Hooks(dict(self.projects), self.secrets, self.inbox)

    def run(self, project: str, ref: str = "") -> int:
        """Ask for a run of a ref (the one that was run last without); the number of its job.

        Raises:
            KeyError: no such project is served.
        """
        worker = self.workers[project]
        job = self.queue.put(project, Wish("asked", ref))
        worker.wake()
        return job

    def roll_back(self, project: str, release: str) -> int:
        """Ask for a release to be brought back; the number of the job."""
        worker = self.workers[project]
        job = self.queue.put(project, Wish("rollback", release))
        worker.wake()
        return job

    def cancel(self, job: int) -> bool:
        """End a job; False when there was nothing to end.

        Raises:
            NotFound: there is no job of that number.
        """
        return self.workers[self.queue.job(job).project].cancel(job)

    @property
    def well(self) -> bool:
        """Do all parts work?"""
        return self.inbox.alive and all(worker.alive for worker in self.workers.values())

    def start(self) -> None:
        """Begin to work."""
        self.inbox.start()
        for reporter in self.reporters.values():
            reporter.start()
        for worker in self.workers.values():
            worker.start()

    def stop(self) -> None:
        """End what is under way, within a limit: runs are ended cleanly, and made up at the next
        start."""
        self.inbox.stop()
        for worker in self.workers.values():
            worker.stop()
        until = time.monotonic() + STOP_LIMIT
        ended = [worker.join(until - time.monotonic()) for worker in self.workers.values()]
        for reporter in self.reporters.values():
            reporter.stop()
        if all(ended):
            self.queue.close()
            self.store.close()

    def _arrived(self, projects: set[str]) -> None:
        for name in projects:
            self.workers[name].wake()

    def _worker(self, project: ServedProject, gate: threading.Semaphore) -> Worker:
        checkout = Checkout(project, self.home, self.secrets)
        hidden = self.settings.secret_variables()
        environ = {k: v for k, v in self.settings.environ.items() if k not in hidden}
        runs = Runs(project, checkout, self.store, self.masker, environ)
        return Worker(
            project, self.queue, checkout, runs, gate=gate, poll=self.settings.serve.poll,
            tell=self._tell, log=self.log,
        )  # fmt: skip

    def _tell(self, job: Job) -> None:
        if reporter := self.reporters.get(job.project):
            reporter.tell(job)

    def log(self, line: str) -> None:
        """A line for whoever reads the server's output."""
        self._log(self.masker.text(line))
