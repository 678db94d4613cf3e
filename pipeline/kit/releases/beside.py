"""Blue-green: the new release runs beside the old one, and the front leads to the one or the other.

The old one goes only when the new one has answered well through the front for a while, and what the
old one still answers has come to its end. Until then one file name leads back.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.artifacts import App, Handover, Release
from pipeline.errors import StageFailed
from pipeline.kit.front import plan_of
from pipeline.kit.releases.kinds import fronted_for
from pipeline.kit.releases.ledger import Activation
from pipeline.kit.releases.site import Site
from pipeline.kit.releases.switch import Fronted
from pipeline.kit.releases.verify import Verifier

ROUNDS = 3
"""How often all checks have to pass in a row before anybody is sent to a release."""
PAUSE = 0.5
"""Seconds between two rounds of checks."""
_SETTLED = 0.3
"""Seconds in which requests that had chosen the old release before the swap have reached it."""


def both_fronted(old: Release | None, new: Release) -> bool:
    """Does the new one take over without taking the old one's place?"""
    if old is None or old.id == new.id or old.handover is None or new.handover is None:
        return False
    return old.kind == new.kind and old.handover.service == new.handover.service


def swaps_without_gap(old: Release | None, new: Release) -> bool:
    """Does one front serve both, so that a rename is all it takes?"""
    both = old is not None and both_fronted(old, new)
    return both and old is not None and plan_of(old).mark == plan_of(new).mark


def take_over(site: Site, release: Release, current: Activation, verify: Verifier) -> float:
    """Start ``release`` beside the one in force, try it out, and send everybody to it. The seconds
    during which nobody answered: 0, unless the front itself had to be made anew.

    Raises:
        StageFailed: it does not answer well. What the front leads to then is for the caller to put
            right.
    """
    switch, old, clock = fronted_for(release, site), current.release, site.ports.clock
    switch.beside(release, old)
    front, name = switch.front(release), switch.name(release)
    if swaps_without_gap(old, release):
        front.serve(switch.name(old))
        _try_out(site, release, switch.look(release), verify.trying(front.trying(name)))
    else:
        switch.wait(release)
        site.tell(f"the front of {old.id} has other ports; it gives way to that of {release.id}")
    site.tell(f"{release.id} takes over from {old.id}")
    begun = clock.monotonic()
    gap = clock.monotonic() - begun if front.serve(name) else 0.0
    soak(site, release, verify)
    return gap


def _try_out(site: Site, release: Release, app: App, verify: Verifier) -> None:
    asked = verify(app, site.scope)
    if not asked or release.kind == "compose":
        fronted_for(release, site).wait(release)
    for _ in range(ROUNDS - 1):
        verify.at_once()(app, site.scope)


def soak(site: Site, release: Release, verify: Verifier) -> None:
    """See that it goes on answering well, through the front, as it was recorded.

    Raises:
        StageFailed: an answer was wrong, or its container ended.
    """
    switch, clock = fronted_for(release, site), site.ports.clock
    end = clock.monotonic() + _handover(release).soak
    first, app = _Run.of(switch, release), switch.look(release)
    while True:
        verify.at_once()(app, site.scope)
        if (now := _Run.of(switch, release)) != first:
            raise StageFailed(
                f"{release.id} did not stay up: it is {now.state}, started {now.restarts + 1} times"
            )
        left = end - clock.monotonic()
        if left <= 0:
            return
        clock.sleep(min(PAUSE, left), site.scope)


def drain(site: Site, old: Release, new: Release) -> None:
    """Wait until the front has no connection to the old release any more, or its time is up."""
    switch, clock = fronted_for(new, site), site.ports.clock
    front, name = switch.front(new), switch.name(old)
    limit = _handover(new).drain
    end = clock.monotonic() + limit
    clock.sleep(min(_SETTLED, limit), site.scope)
    told = False
    while left := front.connections(name):
        if clock.monotonic() >= end:
            site.tell(
                f"{left} connections to {old.id} are cut: they outlasted `drain` ({limit:g} s)"
            )
            return
        if not told:
            site.tell(f"{old.id} still answers {left} requests; it stops when they are done")
            told = True
        clock.sleep(0.1, site.scope)


def _handover(release: Release) -> Handover:
    return release.handover or Handover()


@dataclass(frozen=True)
class _Run:
    """One run of a release's container: another one has another start."""

    started: str
    restarts: int
    state: str

    @classmethod
    def of(cls, switch: Fronted, release: Release) -> _Run:
        info = switch.container(release)
        if info is None:
            raise StageFailed(f"the container of {release.id} is gone")
        if info.health == "unhealthy":
            raise StageFailed(f"{release.id} became unhealthy")
        return cls(info.started, info.restarts, info.state)
