"""What is done about one service: decided here, carried out by whoever holds the lock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.artifacts import Release
from pipeline.errors import DockcycleError, EngineUnavailable
from pipeline.kit.releases.site import Site
from pipeline.kit.supervision import notes
from pipeline.kit.supervision.budget import Limits
from pipeline.kit.supervision.diagnosis import Verdict
from pipeline.kit.supervision.happening import Happening, Kind, Tell
from pipeline.kit.supervision.notes import Note
from pipeline.kit.supervision.patient import Patient
from pipeline.kit.supervision.restoring import BeyondRepair, restore
from pipeline.kit.supervision.wanted import Seen
from pipeline.kit.text import human_duration

WAITING = 10.0
"""Seconds after which one is looked at again that the engine or the app is busy with."""
Act = Callable[[], None]
_DONE = {"start": "started again", "restart": "restarted", "recreate": "put back as recorded"}


@dataclass(frozen=True)
class Plan:
    """What is to be done now, and in how many seconds to look again."""

    acts: tuple[Act, ...] = ()
    again: float = math.inf


@dataclass(frozen=True)
class Treatment:
    """One service that has been looked at."""

    site: Site
    release: Release
    seen: Seen
    verdict: Verdict
    patient: Patient
    limits: Limits
    tell: Tell
    clock: Callable[[], float]

    def plan(self, now: float, *, free: bool) -> Plan:
        """``now`` is monotonic; ``free``: is all well that it depends on?"""
        patient, verdict = self.patient, self.verdict
        lasted = patient.lasts(verdict.condition, now)
        restarts = patient.new_restarts(self.seen.containers)
        patient.blocked |= not free
        if restarts and free:  # what fails for want of another service is not its own fault
            patient.budget.charge(now, restarts)
        if patient.budget.spent(now) and not patient.held:
            return Plan((self._hold,), 0)
        if verdict.condition == "well":
            return self._well(lasted)
        if verdict.condition == "resting":
            return self._resting(lasted)
        if not free:
            return Plan(again=WAITING)
        if verdict.condition == "waiting":
            return Plan((self._hurry,) if patient.blocked and self._restarting() else (), WAITING)
        return self._sick(now, lasted)

    def _well(self, lasted: float) -> Plan:
        self.patient.blocked = False
        if self.patient.left:
            return Plan((self._taken_up_again,))
        if not (self.patient.degraded or self._policies()):
            return Plan()
        if lasted < self.limits.steady:
            return Plan(again=self.limits.steady - lasted)
        return Plan((self._recover,))

    def _resting(self, lasted: float) -> Plan:
        if self.patient.left:
            return Plan()
        if lasted < self.verdict.patience:
            return Plan(again=self.verdict.patience - lasted)
        return Plan((self._leave,))

    def _sick(self, now: float, lasted: float) -> Plan:
        patient = self.patient
        if lasted < self.verdict.patience:
            return Plan(again=self.verdict.patience - lasted)
        if patient.beyond or patient.left:
            return Plan()
        if not self.verdict.own:
            return Plan((self._repair,))
        wait = patient.budget.wait(now)
        if patient.budget.spent(now) and not patient.degraded:
            return Plan((self._give_up,), wait)
        return Plan(again=wait) if wait else Plan((self._repair,))

    # what is done

    def _repair(self) -> None:
        patient, verdict = self.patient, self.verdict
        if verdict.own:
            patient.budget.charge(self.clock())
            patient.held |= patient.budget.spent(self.clock())
        try:
            self._apply()
        except EngineUnavailable:
            raise
        except BeyondRepair as error:
            patient.beyond = True
            patient.trouble = " ".join((f"{error.message}.", error.hint)).strip()
            self._degrade(patient.trouble)
        except DockcycleError as error:
            patient.trouble = error.message
            self._say("failed", f"{verdict.why}; it could not be repaired: {error.message}")
        else:
            patient.trouble = ""
            self._say("repaired", f"{verdict.why}; {_DONE[verdict.remedy]}")

    def _apply(self) -> None:
        engine, service = self.site.engine, self.seen.wanted.service
        if self.verdict.remedy == "recreate":
            restore(self.site, self.release, [service])
            return
        policy = "no" if self.patient.held else self.seen.wanted.restart
        for info in self.seen.containers:
            if info.id not in self.verdict.containers:
                continue
            if info.restart != policy:
                engine.set_restart(info.id, policy)
            if self.verdict.remedy == "restart":
                engine.restart(info.id)
            else:
                engine.start(info.id)

    def _hold(self) -> None:
        """The engine would start it again for ever; from here on that is counted."""
        self.patient.held = True
        for info in self.seen.containers:
            if info.restart != "no":
                self.site.engine.set_restart(info.id, "no")

    def _hurry(self) -> None:
        """What it waits for is well now; the engine would only try it again after a pause."""
        self.patient.blocked = False
        for info in self.seen.containers:
            if info.state == "restarting":
                self.site.engine.restart(info.id)

    def _give_up(self) -> None:
        limits, why = self.limits, self.patient.trouble or self.verdict.why
        times = "restart or repair" if limits.repairs == 1 else "restarts and repairs"
        self._degrade(
            f"{why}; {limits.repairs} {times} within {human_duration(limits.within)} did not help"
        )

    def _degrade(self, reason: str) -> None:
        told = bool(self.patient.degraded)
        self.patient.degraded = reason
        self._note("degraded", reason)
        if not told:
            self._say("degraded", reason)

    def _recover(self) -> None:
        degraded = self.patient.degraded
        for info, policy in self._policies():
            self.site.engine.set_restart(info, policy)
        self.patient.well()
        if degraded:
            self._forget()
            self._say("recovered", f"is well again; before that it {degraded}")

    def _leave(self) -> None:
        self.patient.left, self.patient.degraded = True, ""
        self._note("stopped", self.verdict.why)
        self._say("left", f"{self.verdict.why}; it stays so")

    def _taken_up_again(self) -> None:
        self.patient.left = False
        self._forget()

    def _policies(self) -> list[tuple[str, str]]:
        """Containers whose restart policy was taken from them, each with the one it should have."""
        wanted = self.seen.wanted.restart
        return [(c.id, wanted) for c in self.seen.containers if c.restart == "no" != wanted]

    def _restarting(self) -> bool:
        return any(info.state == "restarting" for info in self.seen.containers)

    def _note(self, state: str, reason: str) -> None:
        note = Note(
            service=self.seen.wanted.service,
            release=self.release.id,
            state="stopped" if state == "stopped" else "degraded",
            reason=reason,
        )
        notes.write(self.site.engine, self.site.project, note)

    def _forget(self) -> None:
        notes.forget(self.site.engine, self.site.project, [self.seen.wanted.service])

    def _say(self, kind: Kind, message: str) -> None:
        self.tell(
            Happening(
                kind, self.site.project, message, service=self.seen.wanted.service,
                release=self.release.id, at=time.time(),
            )
        )  # fmt: skip
