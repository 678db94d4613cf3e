"""Has the keeper of each project look when something happened there, and now and then anyway."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import NoReturn

from pipeline.app.supervise.ears import HEAR, Back, Gone, Heard, listen, past
from pipeline.app.supervise.place import Place
from pipeline.errors import Cancelled, DockcycleError, EngineUnavailable, Locked
from pipeline.kit.labels import PROJECT, ROLE
from pipeline.kit.supervision import KEEPS, Happening, Keeper, Limits
from pipeline.kit.supervision.happening import Kind, Tell
from pipeline.kit.supervision.keeper import BUSY
from pipeline.ports.engine import ContainerEvent
from pipeline.scope import Scope

TEND_SECONDS = 180.0
"""What one look at a project, with its repairs, may take."""
SETTLE = 5.0
"""Seconds that an engine which has come back gets to start what it starts by itself."""
GATHER = 0.2
"""Seconds after an event in which others usually follow."""
QUIET = 5.0
"""Who has to come again later than that is not waited for by ``once``."""
ONCE_SECONDS = 60.0
CUT_OFF = 60.0
"""Seconds without the engine after which one in a container ends: the socket that it was given may
be that of an engine that is no more, and Docker starts it again with the one that is."""
WORKERS = 4
TOLD = ("degraded", "recovered")
"""What people are notified of."""
FLEETING = ("candidate", "check", "image")
"""Roles of what belongs to no release."""


@dataclass(frozen=True)
class Watch:
    """What is supervised. ``projects`` empty: all on the engine. ``sweep``: seconds between two
    looks at everything, whether or not something happened."""

    limits: Limits = field(default_factory=Limits)
    projects: Sequence[str] = ()
    sweep: float = 45.0


@dataclass
class _News:
    events: list[ContainerEvent] = field(default_factory=list)
    away: bool = False
    """The engine has been away before that."""


@dataclass
class _Ward:
    """A project, as the main thread knows it."""

    name: str
    keeper: Keeper
    due: float = math.inf
    """When it is looked at next (monotonic)."""
    busy: bool = False
    news: _News = field(default_factory=_News)

    def take_news(self) -> _News:
        """What has been heard since it was last taken."""
        taken, self.news = self.news, _News()
        return taken


@dataclass(frozen=True)
class _Tended:
    ward: _Ward
    again: float


class Supervisor:
    """One engine's. ``tell`` is called by one thread at a time."""

    def __init__(self, place: Place, watch: Watch, tell: Tell) -> None:
        self._place = place
        self._watch = watch
        self._tell = tell
        self._telling = threading.Lock()
        self._inbox: SimpleQueue[Heard | _Tended | None] = SimpleQueue()
        self._wards: dict[str, _Ward] = {}
        self._sweep_at = math.inf
        self._back_at = -math.inf
        """Since when (monotonic) the engine answers."""
        self._answers: bool | None = None
        """Does the engine? None: nobody knows yet."""
        self._gone_at = math.inf
        """Since when (monotonic) it does not."""

    def run(self, scope: Scope) -> None:
        """Until the scope ends, whatever becomes of the engine.

        Raises:
            Locked: the engine has a supervisor, or has got one in a container.
            EngineUnavailable: in a container, it was cut off from the engine.
            Cancelled: the scope was cancelled.
        """
        scope.on_cancel(lambda: self._inbox.put(None))
        ears = scope.child()
        listen(self._place.ports.engine, self._inbox.put, ears)
        try:
            self._keep(scope)
        finally:
            ears.cancel()

    def _keep(self, scope: Scope) -> NoReturn:
        while not self._answers:
            self._take_in()
            scope.check()
        with self._place.alone(), ThreadPoolExecutor(WORKERS, "tend") as pool:
            self._say("noticed", f"{KEEPS} {self._place.engine_name}")
            while True:
                scope.check()
                self._begin(pool, scope)
                self._take_in()

    def once(self, scope: Scope) -> list[str]:
        """Look at everything, repair it, and look again; what is not well then.

        Raises:
            EngineUnavailable: the engine does not answer.
            Locked: it has a supervisor.
        """
        unwell: list[str] = []
        with self._place.alone():
            events = list(past(self._place.ports.engine, scope))
            for project in self._projects():
                ward = self._ward(project)
                ward.news.events += [e for e in events if e.labels.get(PROJECT) == project]
                if self._until_quiet(ward, scope.child(ONCE_SECONDS, what=f"tending {project}")):
                    unwell += [f"{project} {service}" for service in ward.keeper.unwell]
                else:
                    unwell.append(f"{project}, which does not come to rest")
        return unwell

    def _until_quiet(self, ward: _Ward, scope: Scope) -> bool:
        """Look until there is nothing to do for a while; False if that does not come."""
        while (again := self._look(ward, ward.take_news(), scope)) < QUIET:
            if scope.remaining() < again:
                return False
            scope.sleep(again)
        return True

    # when

    def _take_in(self) -> None:
        """Wait for news, at most until something is due, and take all there are."""
        now = time.monotonic()
        due = min((w.due for w in self._wards.values() if not w.busy), default=math.inf)
        wait = max(0.0, min(due, self._sweep_at) - now)
        limit = wait if self._answers and wait < math.inf else None
        try:
            message = self._inbox.get(timeout=limit)
            while True:
                self._take(message)
                message = self._inbox.get_nowait()
        except Empty:
            return

    def _take(self, message: Heard | _Tended | None) -> None:
        now = time.monotonic()
        if isinstance(message, ContainerEvent):
            self._hear(message, now)
        elif isinstance(message, _Tended):
            ward = message.ward
            ward.busy, ward.due = False, min(ward.due, now + message.again)
        elif isinstance(message, Back):
            if self._answers is False:
                self._say("noticed", "the engine answers again")
            self._answers, self._back_at, self._sweep_at = True, now, now + HEAR
            for ward in self._wards.values():
                ward.news = _News(away=True)
        elif isinstance(message, Gone):
            if self._answers is not False:
                self._say("noticed", f"{message.error.message}; waiting for it")
                self._gone_at = now
            self._answers = False
            if self._place.is_boxed and now - self._gone_at > CUT_OFF:
                raise message.error

    def _hear(self, event: ContainerEvent, now: float) -> None:
        project = event.labels.get(PROJECT, "")
        wanted = self._watch.projects or [project]
        if not project or project not in wanted or event.labels.get(ROLE) in FLEETING:
            return
        ward = self._ward(project)
        ward.news.events.append(event)
        ward.due = min(ward.due, max(now, self._back_at + HEAR) + GATHER)

    def _begin(self, pool: ThreadPoolExecutor, scope: Scope) -> None:
        """Have all looked at that are due."""
        now = time.monotonic()
        if not self._answers:
            return
        if now >= self._sweep_at:
            self._sweep(now)
        for ward in self._wards.values():
            if ward.due <= now and not ward.busy:
                ward.busy, ward.due = True, math.inf
                pool.submit(self._tend, ward, ward.take_news(), scope)

    def _sweep(self, now: float) -> None:
        self._sweep_at = now + self._watch.sweep
        try:
            self._place.give_way()
            projects = self._projects()
        except Locked:
            raise
        except DockcycleError:
            return  # the listener notices, too
        for project in projects:
            self._ward(project).due = now
        for project in set(self._wards) - set(projects):
            if not self._wards[project].busy:
                del self._wards[project]

    def _projects(self) -> list[str]:
        wanted = self._watch.projects
        return [name for name in self._place.projects() if not wanted or name in wanted]

    def _ward(self, project: str) -> _Ward:
        if project not in self._wards:
            keeper = Keeper(
                lambda scope: self._place.site(project, scope),
                self._watch.limits,
                locking=lambda: self._place.repairing(project),
                tell=self._pass_on,
            )
            self._wards[project] = _Ward(project, keeper)
        return self._wards[project]

    # looking

    def _tend(self, ward: _Ward, news: _News, scope: Scope) -> None:
        """In a worker."""
        again = self._watch.sweep
        try:
            again = self._look(ward, news, scope.child(TEND_SECONDS, what=f"tending {ward.name}"))
        except Cancelled:
            return
        except EngineUnavailable:
            pass  # the listener notices, too
        except Exception as error:  # noqa: BLE001 - one project must not end the care for others
            self._say("failed", f"could not be looked at: {error}", ward.name)
        finally:
            self._inbox.put(_Tended(ward, again))

    def _look(self, ward: _Ward, news: _News, scope: Scope) -> float:
        """In how many seconds to look again."""
        if news.away:
            ward.keeper.away()
        ward.keeper.hear(news.events)
        if self._place.busy(ward.name):
            return BUSY
        try:
            for line in self._place.settle(ward.name, scope):
                self._say("settled", line, ward.name)
        except Locked:
            return BUSY
        settling = self._back_at + SETTLE - time.monotonic()
        again = ward.keeper.tend(scope, settled=settling <= 0)
        return min(again, settling) if settling > 0 else again

    # telling

    def _say(self, kind: Kind, message: str, project: str = "") -> None:
        self._pass_on(Happening(kind, project, message, at=time.time()))

    def _pass_on(self, happening: Happening) -> None:
        """Not in the keeper's own time: it has the project's lock."""
        with self._telling:
            self._tell(self._place.masker.data(happening))
        if happening.kind in TOLD:
            thread = threading.Thread(target=self._notify, args=(happening,), name="notify")
            thread.start()

    def _notify(self, happening: Happening) -> None:
        """In a thread; the process waits for it when it ends."""
        try:
            failures = self._place.notify(self._place.masker.data(happening))
        except DockcycleError as error:
            failures = [f"nobody was told: {error.message}"]
        for failure in failures:
            self._say("failed", failure, happening.project)
