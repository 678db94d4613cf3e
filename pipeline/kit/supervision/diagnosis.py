"""What is wrong with a service, from what the engine says of its containers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from pipeline.kit.supervision.wanted import Seen, Wanted
from pipeline.ports.engine import ContainerEvent, ContainerInfo

Hand = Literal["stop", "kill"]
Condition = Literal["well", "waiting", "resting", "sick"]
"""``waiting``: the engine or the app is at work. ``resting``: somebody stopped it."""
Remedy = Literal["none", "start", "restart", "recreate"]
_BY_ITSELF = ("always", "unless-stopped")
REPLACING = 2.0
"""Patience with a container that is gone: who replaces one removes it first."""
GIVING_WAY = 120.0
"""Patience with a release that has given way to another, which another client may be trying out."""
GRACE = 3.0
"""Patience with one that was stopped: it may be about to be started again."""
_ORDER: tuple[Condition, ...] = ("well", "waiting", "resting", "sick")


@dataclass(frozen=True)
class Verdict:
    """How it is, why, and what may help."""

    condition: Condition
    why: str = ""
    remedy: Remedy = "none"
    containers: tuple[str, ...] = ()
    """Ids of those that the remedy is for."""
    patience: float = 0.0
    """Seconds for which it must be so before anything is done: others may be at work."""
    own: bool = True
    """Is it its own fault? What another one makes necessary is not counted as a repair of it."""


WELL = Verdict("well")


class Memory:
    """What the engine's events have told of containers."""

    def __init__(self) -> None:
        self._hands: dict[str, Hand] = {}
        self._started: set[str] = set()
        self._ready: dict[str, str] = {}

    def hear(self, event: ContainerEvent) -> None:
        container = event.container
        if event.what == "stop":
            self._hands[container] = "stop"
        elif event.what == "kill":
            self._hands.setdefault(container, "kill")
        elif event.what == "healthy" and container in self._started:
            self._started.discard(container)  # what follows are mere changes of its health
            self._ready[container] = (
                f"{datetime.fromtimestamp(event.at, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
            )
        elif event.what in ("start", "restart", "destroy"):
            self._hands.pop(container, None)
            self._ready.pop(container, None)
            self._started.discard(container)
            if event.what == "start":
                self._started.add(container)

    def away(self) -> None:
        """The engine has been away; who stopped what before that, it remembers itself."""
        self._hands.clear()

    def hand(self, container: str) -> Hand | None:
        """Who ended it: somebody who stopped it, or killed it; None when it ended by itself."""
        return self._hands.get(container)

    def well_since(self, info: ContainerInfo) -> str:
        """Since when others can use it, as far as is known: its start at least; ISO 8601."""
        return max(info.started, self._ready.get(info.id, ""))


def diagnose(seen: Seen, memory: Memory, *, settled: bool, well: Mapping[str, str]) -> Verdict:
    """The worst of a service's containers counts.

    ``settled``: has the engine had the time to start what it starts by itself? ``well`` has the
    services that are well, each with the time since when.
    """
    found = [
        _container(info, seen.wanted, memory.hand(info.id), settled) for info in seen.containers
    ]
    if len(found) < seen.wanted.count and not seen.wanted.may_end:  # it has done its work
        found.append(Verdict("sick", "its container is gone", "recreate", patience=REPLACING))
    worst = max((one.condition for one in found), key=_ORDER.index, default="well")
    if worst == "well" and seen.drift:
        return Verdict("sick", seen.drift, "recreate", patience=GIVING_WAY)
    if worst == "well":
        return _after_dependencies(seen, well)
    first = next(one for one in found if one.condition == worst)
    alike = [one for one in found if (one.condition, one.remedy) == (worst, first.remedy)]
    ids = tuple(container for one in alike for container in one.containers)
    return replace(first, containers=ids)


def _container(info: ContainerInfo, wanted: Wanted, hand: Hand | None, settled: bool) -> Verdict:
    if wanted.image and info.image != wanted.image:
        why = f"runs {info.image[7:19]}, the release has {wanted.image[7:19]}"
        return Verdict("sick", why, "recreate", (info.id,), REPLACING)
    if info.state == "running":
        if info.health == "unhealthy":
            why = "is unhealthy: its health check keeps failing"
            return Verdict("sick", why, "restart", (info.id,))
        return Verdict("waiting", "is starting") if info.health == "starting" else WELL
    if info.state == "paused":
        return Verdict("resting", "was paused by hand")
    if info.state in ("restarting", "removing"):
        return Verdict("waiting", _ended(info))
    if info.state == "created" and not info.error:
        return Verdict("sick", "was never started", "start", (info.id,))
    return _over(info, wanted, hand, settled)


def _over(info: ContainerInfo, wanted: Wanted, hand: Hand | None, settled: bool) -> Verdict:
    """Of one that has ended, or could not be started."""
    sick = Verdict("sick", _ended(info), "start", (info.id,))
    if wanted.may_end and info.exit_code == 0:
        return WELL
    if info.restart != wanted.restart and info.restart in _BY_ITSELF:
        # So it is left by a release that takes over and may still give up.
        return replace(sick, why="gave way to a release that did not come", patience=GIVING_WAY)
    if hand == "stop":
        return Verdict("resting", "was stopped by hand", patience=GRACE)
    if hand == "kill" or info.error or info.restart not in _BY_ITSELF:
        return sick
    if not settled:
        return Verdict("waiting", _ended(info))
    # The engine starts it again by itself, unless somebody stopped it: that it remembers.
    return Verdict("resting", "was stopped by hand", patience=GRACE)


def _after_dependencies(seen: Seen, well: Mapping[str, str]) -> Verdict:
    """Of one that is well: was it started before what it wants to be started after?"""
    for dependency in seen.wanted.depends_on:
        since = well.get(dependency.service, "")
        early = tuple(c.id for c in seen.containers if c.running and c.started < since)
        if dependency.restart and early:
            why = f"{dependency.service}, which it depends on, was started again"
            return Verdict("sick", why, "restart", early, own=False)
    return WELL


def _ended(info: ContainerInfo) -> str:
    if info.error:
        return f"could not be started: {info.error}"
    if info.oom_killed:
        return "used more memory than its limit and was killed"
    return f"ended with exit code {info.exit_code}"
