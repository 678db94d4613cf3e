"""The board of the pages over a real server: what it shows, and what it sets off."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from functools import cache

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.errors import NotFound
from pipeline.kit.git_names import without_credentials
from pipeline.ports import Engine
from pipeline.server.config import ServedProject
from pipeline.server.pages import Board, Door, Health, Listed, Waiting, engine_asker
from pipeline.server.queue import QUEUED, RUNNING, Job
from pipeline.server.state import State
from pipeline.store import ProjectLock


def board_for(state: State) -> Board:
    """What the pages of ``state`` are made from."""

    @cache
    def engine() -> Engine:
        from pipeline.app.adapters import real_ports

        return real_ports(state.settings.environ).engine

    return Board(
        store=state.store,
        projects={name: _listed(project) for name, project in state.projects.items()},
        health=Health(engine_asker(engine, state.home)),
        door=Door(state.token),
        actions=Acting(state),
        url=state.settings.serve.url or "",
        collectors=(Traffic(state),),
    )


def _listed(project: ServedProject) -> Listed:
    return Listed(project.name, without_credentials(project.repository), project.branches)


class Acting:
    """Sees to what people ask for, by the queue that deliveries go through."""

    def __init__(self, state: State) -> None:
        self._state = state

    def run(self, project: str, branch: str = "") -> None:
        """Runs the branch if it is one that the project runs for, else what was run last."""
        served = self._state.projects[project]
        wanted = branch and served.wants_branch(branch)
        self._state.run(project, f"refs/heads/{branch}" if wanted else "")

    def roll_back(self, project: str, release: str) -> None:
        self._state.roll_back(project, release)

    def cancel(self, project: str, run: str) -> None:
        """Ends a job of this server, or a run that was started by hand.

        Raises:
            NotFound: it is not under way (any more).
        """
        job = next((j for j in self._jobs(project, RUNNING) if j.run == run), None)
        if job is not None and self._state.cancel(job.id):
            return
        record = self._state.store.run(run)
        holder = ProjectLock(self._state.home, project).holder()
        if record.status != "running" or holder is None or run not in holder.what:
            raise NotFound(f"{run} is not under way any more")
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder.pid, signal.SIGTERM)

    def waiting(self, project: str) -> Sequence[Waiting]:
        return [
            Waiting(job.id, _words(job), job.created)
            for job in reversed(self._jobs(project, QUEUED))
        ]

    def _jobs(self, project: str, state: str) -> list[Job]:
        return self._state.queue.jobs(project, state=state)


def _words(job: Job) -> str:
    match job.kind:
        case "rollback":
            return f"rollback to {job.ref}"
        case "image":
            return "a base image was pushed"
        case "pull":
            return f"pull request {job.name}"
    return job.name or "what was run last"


class Traffic(Collector):
    """What came in, and what waits."""

    def __init__(self, state: State) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        came = CounterMetricFamily(
            "dockcycle_deliveries", "Deliveries since the server began.",
            labels=("project", "outcome"),
        )  # fmt: skip
        for (project, outcome), count in sorted(self._state.hooks.counts.items()):
            came.add_metric((project, outcome), count)
        waiting = GaugeMetricFamily(
            "dockcycle_queued_jobs", "Runs that are asked for and have not begun.",
            labels=("project",),
        )  # fmt: skip
        for project in self._state.projects:
            found = self._state.queue.jobs(project, state=QUEUED, limit=1000)
            waiting.add_metric((project,), len(found))
        yield from (came, waiting)
