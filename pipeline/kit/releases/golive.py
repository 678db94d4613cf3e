"""One release takes over from another, or the old one comes back: nothing in between stays."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.artifacts import Release
from pipeline.errors import DockcycleError, StageFailed
from pipeline.kit.front import remove_networks
from pipeline.kit.releases import beside
from pipeline.kit.releases.fronted_switch import front_of
from pipeline.kit.releases.images import protect, unprotect
from pipeline.kit.releases.kinds import fronted_for, switch_for
from pipeline.kit.releases.ledger import Activation
from pipeline.kit.releases.site import Site
from pipeline.kit.releases.verify import Verifier
from pipeline.scope import Scope

RESTORE_SECONDS = 60.0
"""What bringing the old release back may take, also after an interruption."""


@dataclass(frozen=True)
class WentLive:
    """``release`` is in force now; ``gap`` is how long nothing answered, in seconds."""

    release: Release
    previous: Release | None
    gap: float
    retired: tuple[Release, ...] = ()

    @property
    def how(self) -> str:
        """For people, after who took over: `` without a gap``, say."""
        return f" (nothing served for {self.gap:.2f} s)" if self.gap else " without a gap"


def go_live(site: Site, release: Release, *, reason: str, keep: int, verify: Verifier) -> WentLive:
    """Put ``release`` in the place of the one in force.

    Raises:
        StageFailed: it did not hold, and the old one (if any) serves again.
        PortTaken, NotFound: it cannot take over; nothing was touched.
    """
    current = site.ledger.current()
    old = current.release if current else None
    switch = switch_for(release, site)
    switch.check(release, old)
    if release.id not in {known.id for known in site.ledger.releases()}:
        switch.clear(release)
    protect(site, release)
    try:
        switch.prepare(release)
        gap = _take_over(site, release, current, verify)
    except BaseException as error:
        _give_back(site, release, current)
        raise _told(error, release, current) from error
    release = release.model_copy(update={"gap": round(gap, 3)})
    site.ledger.activate(
        release, state="live", reason=reason, run=site.run, client=site.client,
        journal=site.journal,
    )  # fmt: skip
    _settle_in(site, release, old)
    return WentLive(release, old, gap, tuple(tidy(site, keep)))


def _take_over(site: Site, release: Release, current: Activation | None, verify: Verifier) -> float:
    """Let ``release`` serve in the place of the one in force; seconds during which nothing did."""
    if current and current.state == "live" and beside.both_fronted(current.release, release):
        return beside.take_over(site, release, current, verify)
    switch = switch_for(release, site)
    begun = site.ports.clock.monotonic()
    if current and current.release.id != release.id and _must_stop(current.release, release):
        site.tell(f"{release.id} takes over from {current.release.id}")
        switch_for(current.release, site).give_way(current.release)
    elif current and _front_is_in_the_way(current.release, release):
        front_of(current.release, site).give_way()
    switch.try_out(release)
    # Asking at once ends the gap's count at the first good answer; a health check of Docker's own
    # says so only at its next interval.
    asked = verify(switch.look(release), site.scope)
    gap = site.ports.clock.monotonic() - begun
    if not asked or release.kind == "compose":
        switch.wait(release)  # else the very image was healthy as a candidate, and answers here
    return gap


def _settle_in(site: Site, release: Release, old: Release | None) -> None:
    """Now that ``release`` is in force, it is the one that comes back with the engine."""
    if release.kind == "container":
        switch_for(release, site).start(release)
    if old is None or old.id == release.id:
        return
    if beside.both_fronted(old, release):
        beside.drain(site, old, release)
        switch_for(old, site).retire(old)
    elif old.handover and release.handover and _must_stop(old, release):
        fronted_for(old, site).stop_behind(old)
    elif _must_stop(old, release):
        switch_for(old, site).stop(old)
    elif _front_is_in_the_way(old, release):
        front_of(old, site).remove()


def _must_stop(old: Release, new: Release) -> bool:
    """A Compose project is updated in place; anything else must make room first."""
    return not (old.kind == new.kind == "compose")


def _front_is_in_the_way(old: Release, new: Release) -> bool:
    """A Compose project that is no longer behind a front publishes its ports itself."""
    return old.handover is not None and new.handover is None and not _must_stop(old, new)


def _give_back(site: Site, failed: Release, current: Activation | None) -> None:
    """The old one back, with a scope of its own: the run's may be over."""
    own = site.undoing(Scope(RESTORE_SECONDS, what="bringing the old release back"))
    old = current.release if current else None
    failing = switch_for(failed, own)
    makes_room = old is None or _must_stop(old, failed)
    lives = current is not None and current.state == "live"
    aside = lives and beside.both_fronted(old, failed)
    if not aside and makes_room and (old is None or old.id != failed.id):
        failing.stop(failed)
    if old and _front_is_in_the_way(failed, old):
        front_of(failed, own).remove()
    if old and lives:
        switch_for(old, own).start(old)
        switch_for(old, own).wait(old)
    if aside:
        failing.retire(failed)
    if failed.id not in {release.id for release in own.ledger.releases()}:
        if makes_room:
            failing.remove(failed)
        unprotect(own, failed)
    if old is None:
        remove_networks(own.engine, own.project)


def _told(error: BaseException, failed: Release, current: Activation | None) -> BaseException:
    """The same failure, saying also what serves now."""
    if isinstance(error, StageFailed):
        serves = (
            f"{current.release.id} serves again" if current and current.state == "live"
            else "nothing serves"
        )  # fmt: skip
        error.message = f"{failed.id} did not hold, {serves}: {error.message}"
        error.args = (error.message,)
    return error


def is_serving(site: Site, release: Release) -> bool:
    """Is ``release`` in force and up?"""
    current = site.ledger.current()
    return (
        current is not None
        and current.state == "live"
        and current.release.id == release.id
        and switch_for(current.release, site).is_up(current.release)
    )


def tidy(site: Site, keep: int) -> list[Release]:
    """Forget releases beyond ``keep`` and remove what was only theirs; those that were forgotten.

    The ledger forgets last: what a killed run has not removed, the next one finds there.
    """
    forgotten: list[Release] = []
    for release in site.ledger.surplus(keep):
        try:
            if release.kind == "container":  # a Compose project is shared by its releases
                switch_for(release, site).remove(release)
            unprotect(site, release)
        except DockcycleError as error:
            site.tell(f"could not remove all of {release.id}: {error.message}")
        else:
            site.ledger.forget(release)
            forgotten.append(release)
    site.ledger.shorten()
    return forgotten
