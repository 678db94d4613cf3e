"""A server's pages over made-up runs: what a reader would see, without an engine.

Times are given, so that pages look the same whenever they are made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

from starlette.applications import Starlette
from starlette.middleware import Middleware

from pipeline.app.status import ServiceStatus, Status
from pipeline.artifacts import Release
from pipeline.errors import Locked
from pipeline.events import (
    CheckFinished,
    ErrorInfo,
    Event,
    Notice,
    PlannedStage,
    RunFinished,
    RunStarted,
    Serving,
    StageFinished,
    StageLog,
    StageStarted,
)
from pipeline.server.pages import (
    Board,
    Door,
    Health,
    Listed,
    SafeHeaders,
    Waiting,
    page_routes,
    problems,
)
from pipeline.server.pages.health import Ask, Standing
from pipeline.store import Home, ProjectLock, StageRecord, Store

TOKEN = "let-me-in-let-me-in"
NOW = 1_795_506_300.0
"""2026-11-24 07:45:00 UTC."""
STAGES = ("code", "dockerfile", "build", "run", "smoke", "push", "track", "operate")
COMMIT = "3f9ac1d27be04518a6c2"
LISTED = Listed("shop", "https://git.example.com/acme/shop", ("main",))


@dataclass
class Wishes:
    """Notes what was asked for."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    refuses: bool = False

    def run(self, project: str, branch: str = "") -> None:
        self._note("run", project, branch)

    def roll_back(self, project: str, release: str) -> None:
        self._note("rollback", project, release)

    def cancel(self, project: str, run: str) -> None:
        self._note("cancel", project, run)

    def waiting(self, project: str) -> Sequence[Waiting]:
        return [Waiting(1, "main", NOW - 20)] if self.asked and project == "shop" else []

    def _note(self, *what: str) -> None:
        if self.refuses:
            raise Locked("another run of shop is under way", hint="Wait for it.")
        self.asked.append(what)


@dataclass
class Told:
    """A run that is told event by event; ``at`` is the Unix time of what comes next."""

    store: Store
    run: str
    project: str
    at: float
    number: int = 0
    position: int = 0

    def tell(self, *events: Event) -> None:
        for event in events:
            self.number += 1
            stamped = replace(event, run=self.run, at=self.at)
            self.store.event(self.run, self.number, stamped)

    def start(self, stage: str) -> None:
        self.tell(StageStarted(stage=stage))

    def log(self, stage: str, *lines: str, step: str = "") -> None:
        self.tell(*(StageLog(stage=stage, line=line, step=step) for line in lines))

    def end(
        self, stage: str, seconds: float = 0.0, *, status: str = "passed", summary: str = "",
        error: ErrorInfo | None = None, artifacts: Mapping[str, Any] | None = None,
        started: bool = True,
    ) -> None:  # fmt: skip
        """Of a stage that began ``seconds`` ago."""
        made = artifacts or {}
        reason = "nothing has changed" if status == "reused" else ""
        finished: Any = StageFinished(
            stage=stage, status=status, seconds=seconds, summary=summary, error=error,  # type: ignore[arg-type]
            artifacts=tuple(made), reason=reason,
        )  # fmt: skip
        self.tell(finished)
        self.store.stage(
            self.run, self.project, self.position,
            StageRecord(
                key=stage, uses=stage, status=status, started=self.at - seconds if started else 0,
                seconds=seconds, summary=summary, reason=reason,
                artifacts=tuple({"type": k, "value": v} for k, v in made.items()),
                error=None if error is None else {"kind": error.kind, "message": error.message},
            ),
        )  # fmt: skip
        self.position += 1

    def finish(
        self, status: Any, code: int, outcome: dict[str, str] | None = None,
        serving: Serving | None = None,
    ) -> None:  # fmt: skip
        made = outcome or {}
        self.tell(RunFinished(status=status, exit_code=code, outcome=made, serving=serving))
        with at_time(self.at):
            self.store.finish(self.run, status, code, outcome or {})


@contextmanager
def at_time(moment: float) -> Iterator[None]:
    """The store's clock stands at ``moment``."""
    with mock.patch("pipeline.store.store.time.time", lambda: moment):
        yield


def begin(
    store: Store, run: str, started: float, *, project: str = "shop", trigger: str = "webhook",
    stages: Iterable[str] = STAGES, reason: str = "the source has changed",
) -> Told:  # fmt: skip
    """A run that has just begun, with all its stages to come."""
    plan = tuple(PlannedStage(key=s, uses=s, action="run", reason=reason) for s in stages)
    with at_time(started):
        store.begin(run, project, f"/srv/{project}/pipeline.yml", trigger, 1, plan)
    told = Told(store, run, project, started)
    told.tell(RunStarted(project=project, file="pipeline.yml", trigger=trigger, stages=plan))
    return told


def source(subject: str, *, branch: str = "main", commit: str = COMMIT) -> dict[str, Any]:
    return {"path": "/srv/shop", "root": "/srv/shop", "content": "c" * 64, "commit": commit * 2,
            "branch": branch, "subject": subject, "author": "Mara Lindt",
            "remote": "https://git.example.com/acme/shop.git"}  # fmt: skip


def release(number: int, created: str, *, commit: str = COMMIT) -> Release:
    image = hashlib.sha256(bytes([number])).hexdigest()
    return Release(
        id=f"r{number}", project="shop", run=f"run-{number}", created=created, commit=commit * 2,
        branch="main", images={"api": f"sha256:{image}"}, spec={"image": "shop"},
        url="http://shop.example.com",
    )  # fmt: skip


RELEASES = (
    release(14, "2026-11-24T06:31:00+00:00"),
    release(13, "2026-11-23T15:04:00+00:00", commit="a81b22c07dd94f3e5b10"),
    release(12, "2026-11-21T09:40:00+00:00", commit="77d0e6b1c2aa4c8f9e02"),
)


def standing(state: str = "live", *, health: str = "healthy", project: str = "shop") -> Standing:
    """How a project stands: three services, r14 in force."""
    services = tuple(
        ServiceStatus(
            service=name, container=f"{project}-{name}-1", state="running", health=health,
            since="2026-11-24T06:31:20Z", restarts=restarts, image="sha256:" + "e" * 64,
        )
        for name, restarts in (("web", 0), ("api", 1), ("db", 0))
    )  # fmt: skip
    status = Status(
        project=project, state=state, release="r14", commit=COMMIT * 2,
        url=f"http://{project}.example.com", since="2026-11-24T06:31:20Z",
        digests=("registry.example.com/acme/shop@sha256:" + "9c0e" * 16,), services=services,
        releases=tuple(one.id for one in RELEASES),
    )  # fmt: skip
    return Standing(status, RELEASES)


def board(
    home: Path, *, ask: Ask | None = None, projects: Iterable[Listed] = (LISTED,),
    token: str | None = TOKEN, now: float | None = None, actions: Wishes | None = None,
) -> Board:  # fmt: skip
    """A board over a store in ``home``; ``now``: a clock that stands."""
    made = Board(
        store=Store(Home(home)),
        projects={one.name: one for one in projects},
        health=Health(ask or (lambda _name: standing())),
        door=Door(token),
        actions=actions or Wishes(),
        url="https://deploy.example.com",
    )
    if now is not None:
        made.clock = lambda: now
    return made


def application(shown: Board) -> Starlette:
    """The pages alone."""
    app = Starlette(
        routes=page_routes(), exception_handlers=problems(), middleware=[Middleware(SafeHeaders)]
    )
    app.state.board = shown
    return app


@contextmanager
def alive(store: Store, project: str = "shop", what: str = "run") -> Iterator[None]:
    """The project's lock is held: a run without an end is under way, not lost."""
    from pipeline.scope import Scope

    lock = ProjectLock(store.home, project)
    with lock.hold(what, wait=5, scope=Scope(), on_wait=lambda _holder: None):
        yield


def notice(message: str, level: Any = "info") -> Notice:
    return Notice(level=level, message=message)


def check(name: str, *, passed: bool = True, seconds: float = 0.02, message: str = "",
          advisory: bool = False, attempts: int = 1) -> CheckFinished:  # fmt: skip
    return CheckFinished(stage="smoke", check=name, passed=passed, seconds=seconds,
                         message=message, advisory=advisory, attempts=attempts)  # fmt: skip
