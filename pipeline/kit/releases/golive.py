"""One release takes over from another, or the old one comes back: nothing in between stays."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.artifacts import Release
from pipeline.errors import DockcycleError, StageFailed
from pipeline.kit.labels import RELEASE, select
from pipeline.kit.releases.images import protect, unprotect
from pipeline.kit.releases.kinds import switch_for
from pipeline.kit.releases.ledger import Activation
from pipeline.kit.releases.site import Site, Verify
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


def go_live(site: Site, release: Release, *, reason: str, keep: int, verify: Verify) -> WentLive:
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


def _take_over(site: Site, release: Release, current: Activation | None, verify: Verify) -> float:
    """Stop the old, start the new, ask it; seconds from the stop to the first good answer."""
    switch = switch_for(release, site)
    begun = site.ports.clock.monotonic()
    if current and current.release.id != release.id and _must_stop(current.release, release):
        site.tell(f"{release.id} takes over from {current.release.id}")
        switch_for(current.release, site).give_way(current.release)
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
    if old and old.id != release.id and _must_stop(old, release):
        switch_for(old, site).stop(old)


def _must_stop(old: Release, new: Release) -> bool:
    """A Compose project is updated in place; anything else must make room first."""
    return not (old.kind == new.kind == "compose")


def _give_back(site: Site, failed: Release, current: Activation | None) -> None:
    """The old one back, with a scope of its own: the run's may be over."""
    own = site.undoing(Scope(RESTORE_SECONDS, what="bringing the old release back"))
    old = current.release if current else None
    failing = switch_for(failed, own)
    makes_room = old is None or _must_stop(old, failed)
    if makes_room and (old is None or old.id != failed.id):
        failing.stop(failed)
    if current and old and current.state == "live":
        switch_for(old, own).start(old)
        switch_for(old, own).wait(old)
    if failed.id not in {release.id for release in own.ledger.releases()}:
        if makes_room:
            failing.remove(failed)
        unprotect(own, failed)


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


def converge(site: Site) -> list[str]:
    """Make reality agree with the ledger; what was done, for people.

    Needed after a killed run: the release in force runs (unless it was stopped on purpose), no
    other one does, and containers of releases that never came into force are gone.
    """
    current = site.ledger.current()
    known = {release.id: release for release in site.ledger.releases()}
    done: list[str] = []
    for stray in site.engine.containers(select(site.project, "live")):
        if stray.labels.get(RELEASE, "") not in {"", *known}:
            site.engine.remove(stray.id, volumes=True)
            done.append(f"removed {stray.name}, which never went live")
    if current is None:
        return done
    for release in known.values():
        if release.id != current.release.id and release.kind == "container":
            switch = switch_for(release, site)
            if switch.is_up(release):
                done.append(f"stopped {release.id}, which is not the release in force")
            switch.stop(release)  # its restart policy too
    switch = switch_for(current.release, site)
    up = switch.is_up(current.release)
    if current.state == "live" and (not up or current.release.kind == "container"):
        switch.start(current.release)
    if current.state == "live" and not up:
        switch.wait(current.release)
        done.append(f"started {current.release.id} again")
    if current.state == "stopped" and up:
        switch.stop(current.release)
        done.append(f"stopped {current.release.id}, as it was asked to be")
    return done


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
