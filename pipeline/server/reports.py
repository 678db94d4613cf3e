"""Telling a forge how a commit fared. A report that fails is a line in the log, never a failure."""

from __future__ import annotations

import queue
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import DockcycleError, NotFound, Unusable
from pipeline.server.config import ServedProject
from pipeline.server.forges import FORGES, News, Post, State
from pipeline.server.queue import DONE, RUNNING, Job, Queue
from pipeline.stage import Secrets
from pipeline.store import RunRecord, Store

TRIES = 3
ANSWER_LIMIT = (5.0, 15.0)
"""Seconds to connect, and to wait for an answer."""
LONGEST_PAUSE = 30.0
WAITING = 200
STOP_LIMIT = 10.0
RECENT = 86_400.0
"""Seconds; older jobs are not told of after a restart."""
_STATES: dict[str, State] = {"passed": "passed", "failed": "failed", "cancelled": "cancelled"}


class Reporter:
    """A thread that tells of one project's jobs, in the order in which they come."""

    def __init__(
        self, project: ServedProject, jobs: Queue, store: Store, secrets: Secrets, *,
        page: str | None, log: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._project, self._jobs, self._store = project, jobs, store
        self._secrets, self._page, self._log = secrets, page, log
        self._waiting: queue.Queue[int | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._work, name="reports", daemon=True)

    def start(self) -> None:
        """Begin with what an earlier server did not get to tell."""
        self._thread.start()
        for job in reversed(self._jobs.jobs(self._project.name, state=DONE, limit=20)):
            recent = time.time() - (job.finished or 0.0) < RECENT
            if recent and job.run and job.reported in ("", RUNNING) and job.result != "unchanged":
                self.tell(job)

    def tell(self, job: Job) -> None:
        """Tell of a job as it is by the time its turn comes."""
        try:
            self._waiting.put_nowait(job.id)
        except queue.Full:
            self._log(f"{self._project.name}: too many reports wait; one is left out")

    def stop(self) -> None:
        """Tell what there is to tell, within a limit."""
        if self._thread.ident is not None:
            self._waiting.put(None)
            self._thread.join(STOP_LIMIT)

    def _work(self) -> None:
        while (number := self._waiting.get()) is not None:
            try:
                self._report(self._jobs.job(number))
            except DockcycleError as error:
                self._log(f"{self._project.name}: not reported: {error.message}")
            except Exception as error:  # noqa: BLE001 - the next one may be told all the same
                self._log(f"{self._project.name}: not reported, a bug of dockcycle: {error!r}")

    def _report(self, job: Job) -> None:
        state = job.result if job.state == DONE else job.state
        if job.reported == state or not job.commit:
            return
        record = self._record(job)
        news = describe(self._project, job, record, self._page)
        api = _Api(self._project, self._secrets)
        api.post(api.forge.status(api.repository, news))
        deployment = api.forge.deployment(api.repository, news) if news.environment else None
        if deployment is not None:
            number = api.post(deployment).get("id")
            if isinstance(number, int):
                api.post(api.forge.deployed(api.repository, number, news))
        self._jobs.reported(job.id, state)

    def _record(self, job: Job) -> RunRecord | None:
        if not job.run:
            return None
        try:
            return self._store.run(job.run)
        except NotFound:
            return None  # it has not begun yet


def describe(project: ServedProject, job: Job, record: RunRecord | None, page: str | None) -> News:
    """What there is to tell about a job."""
    over = job.state == DONE
    outcome = record.outcome if record else {}
    live = " at ".join(filter(None, (outcome.get("release"), outcome.get("url"))))
    told = job.message.partition("\n")[0]
    url = page or ""
    if page and job.run:
        url = f"{page}/p/{project.name}/runs/{job.run}"
    return News(
        context=f"dockcycle/{project.name}",
        commit=job.commit,
        branch=job.name,
        state=_STATES.get(job.result, "error") if over else "running",
        description=(told or live or job.result) if over else "running",
        url=url,
        environment=_environment(project, record) if over and job.kind != "pull" else "",
        app=outcome.get("url", ""),
    )


def _environment(project: ServedProject, record: RunRecord | None) -> str:
    """What the run has deployed to, or tried to."""
    tried = record is not None and any(
        stage.uses == "operate" and stage.status in ("passed", "failed") for stage in record.stages
    )
    return (project.environment or "production") if tried else ""


class _Api:
    """One project's repository at its forge."""

    def __init__(self, project: ServedProject, secrets: Secrets) -> None:
        kind, options = project.report_kind, project.report
        if kind is None or options is None:
            raise AssertionError("only projects with `report:` have a reporter")
        self.forge = FORGES[kind]
        self.repository = options.repository or repository_path(project.repository)
        self._base = options.api or self.forge.api
        self._headers = self.forge.headers(secrets.get(options.token))

    def post(self, post: Post) -> dict[str, Any]:
        """Send it; the JSON object of the answer.

        Raises:
            Unusable: it was refused, or there was no answer after a few tries.
        """
        import requests

        for attempt in range(1, TRIES + 1):
            try:
                answer = requests.post(
                    f"{self._base}{post.path}", json=post.body, headers=self._headers,
                    timeout=ANSWER_LIMIT, allow_redirects=False,
                )  # fmt: skip
            except requests.RequestException as error:
                problem, pause = f"no answer ({type(error).__name__})", float(attempt)
            else:
                if answer.ok and not answer.is_redirect:
                    return _object(answer)
                problem, pause = f"HTTP {answer.status_code}", _pause(answer, attempt)
                if answer.status_code < 500 and answer.status_code != 429:
                    break
            if attempt < TRIES:
                time.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spread, not security
        raise Unusable(f"{self._base}{post.path}: {problem}")


def _object(answer: Any) -> dict[str, Any]:
    try:
        data = answer.json()
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _pause(answer: Any, attempt: int) -> float:
    """Seconds: as the answer asks, or longer with each attempt."""
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isdigit() else float(attempt)


def repository_path(url: str) -> str:
    """``owner/name`` of ``https://host/owner/name.git`` and ``git@host:owner/name``."""
    path = urlsplit(url).path if "://" in url else re.sub(r"^[^/]*:", "", url)
    return path.strip("/").removesuffix(".git")
