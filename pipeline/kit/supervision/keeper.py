"""Keeps the release in force of one project as it is recorded."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from pipeline.errors import Locked
from pipeline.kit.releases.ledger import Activation
from pipeline.kit.releases.site import Site
from pipeline.kit.supervision import notes
from pipeline.kit.supervision.budget import Budget, Limits
from pipeline.kit.supervision.diagnosis import Memory, diagnose
from pipeline.kit.supervision.happening import Tell
from pipeline.kit.supervision.patient import Patient
from pipeline.kit.supervision.treatment import Plan, Treatment
from pipeline.kit.supervision.wanted import STARTED, look
from pipeline.ports.engine import ContainerEvent
from pipeline.scope import Scope

BUSY = 2.0
"""Seconds after which a project is looked at again that somebody else has the lock of."""
SOON = 1.0
"""Seconds after which it is seen whether something helped."""
Locking = Callable[[], AbstractContextManager[None]]
"""Holds the project's lock for the block; raises ``Locked`` when somebody else has it."""


class Keeper:
    """One project's. Not thread-safe; whoever calls it waits for the end of the last call."""

    def __init__(
        self, site: Callable[[Scope], Site], limits: Limits, *, locking: Locking, tell: Tell,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._site = site
        self._limits = limits
        self._locking = locking
        self._tell = tell
        self._clock = clock
        self._memory = Memory()
        self._activation = 0
        """Number of the one that was in force when it was last looked at."""
        self._patients: dict[str, Patient] = {}

    @property
    def unwell(self) -> list[str]:
        """Services that were not well when they were last looked at, or not for long enough."""
        return [name for name, patient in self._patients.items() if not patient.is_well]

    def hear(self, events: Iterable[ContainerEvent]) -> None:
        """Remember what happened, before it is looked at what came of it."""
        for event in events:
            self._memory.hear(event)

    def away(self) -> None:
        """The engine has been away."""
        self._memory.away()

    def tend(self, scope: Scope, *, settled: bool = True) -> float:
        """Look, and repair what needs it; in how many seconds to come again, whatever happens.

        ``settled``: has the engine had the time to start what it starts by itself?

        Raises:
            EngineUnavailable: the engine does not answer.
        """
        site = self._site(scope)
        plan = self._plan(site, settled)
        if not plan.acts:
            return plan.again
        try:
            with self._locking():
                plan = self._plan(site, settled)  # what was seen without the lock may be over
                for act in plan.acts:
                    scope.check()
                    act()
        except Locked:
            return BUSY
        return min(plan.again, SOON) if plan.acts else plan.again

    def _plan(self, site: Site, settled: bool) -> Plan:
        current = site.ledger.current()
        if current is None or current.state == "stopped":
            return self._nothing(site)
        release = current.release
        self._meet(site, current)
        plans: list[Plan] = []
        well: dict[str, str] = {}
        """Service → since when."""
        runs: set[str] = set()
        for seen in look(site, release):
            name, now = seen.wanted.service, self._clock()
            verdict = diagnose(seen, self._memory, settled=settled, well=well)
            if verdict.condition == "well":
                since = map(self._memory.well_since, seen.containers)
                well[name] = max(since, default="")
            if any(container.running for container in seen.containers):
                runs.add(name)
            free = all(
                d.service in well or (d.condition == STARTED and d.service in runs)
                for d in seen.wanted.depends_on
            )
            case = Treatment(site, release, seen, verdict, self._patients[name], self._limits,
                             self._tell, self._clock)  # fmt: skip
            plans.append(case.plan(now, free=free))
        acts = tuple(act for plan in plans for act in plan.acts)
        return Plan(acts, min((plan.again for plan in plans), default=math.inf))

    def _nothing(self, site: Site) -> Plan:
        """Nothing is to be live."""
        self._activation, self._patients = 0, {}
        if notes.notes(site.engine, site.project):
            return Plan((lambda: notes.forget(site.engine, site.project),))
        return Plan()

    def _meet(self, site: Site, current: Activation) -> None:
        """An activation that was not in force when it was last looked at; also after a start."""
        if current.number == self._activation:
            return
        left = notes.standing(site.engine, site.project, current)
        over = set(notes.notes(site.engine, site.project)) - set(left)
        notes.forget(site.engine, site.project, over)
        self._activation = current.number
        self._patients = defaultdict(lambda: Patient(Budget(self._limits)))
        for service, note in left.items():
            patient = self._patients[service]
            patient.degraded = note.reason if note.state == "degraded" else ""
            patient.left = note.state == "stopped"
