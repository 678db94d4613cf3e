"""One release on several engines, one after another: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from pipeline.artifacts import Release
from pipeline.errors import DockcycleError
from pipeline.kit.lease import Holder, Lease
from pipeline.kit.releases.converging import converge
from pipeline.kit.releases.golive import RESTORE_SECONDS, WentLive, go_live, tidy
from pipeline.kit.releases.images import unprotect
from pipeline.kit.releases.kinds import switch_for
from pipeline.kit.releases.ledger import Activation
from pipeline.kit.releases.site import Site
from pipeline.kit.releases.verify import Verifier, verifier
from pipeline.scope import Scope

KEEP_ALL = 1000
"""As long as one may have to go back no release is forgotten."""


@dataclass(frozen=True)
class Part:
    """What goes live on one engine."""

    site: Site
    release: Release
    verify: Verifier


@contextmanager
def held(sites: Sequence[Site], what: str, *, wait: float) -> Iterator[list[Site]]:
    """The same sites while no other client works on them; their scopes end if that is lost.

    Raises:
        Locked: another one does, for longer than ``wait`` seconds.
    """
    scopes: dict[str, Scope] = {}
    with ExitStack() as stack:
        for site in sorted(sites, key=_engine_id):  # all in one order, so that none waits in a ring
            if _engine_id(site) not in scopes:
                lease = Lease(site.engine, site.project, site.client, site.ports.clock)
                tell = partial(_tell_waiting, site)
                hold = lease.hold(what, wait=wait, scope=site.scope, on_wait=tell)
                scopes[_engine_id(site)] = stack.enter_context(hold)
        yield [replace(site, scope=scopes[_engine_id(site)]) for site in sites]


def _engine_id(site: Site) -> str:
    return site.engine.info().id


def _tell_waiting(site: Site, holder: Holder) -> None:
    site.tell(f"waiting for {holder} to end")


def shared_id(sites: Sequence[Site], serving: Sequence[str]) -> str:
    """The id for a release on all ``sites``. ``serving`` has the ids by which some of them serve it
    already: the newest one does for the others too, if none of them has used it."""
    fresh = max(_number(site.ledger.next_id()) for site in sites)
    newest = max(map(_number, serving), default=fresh)
    return f"r{newest if newest == fresh - 1 else fresh}"


def roll_out(parts: Sequence[Part], *, reason: str, keep: int) -> list[WentLive]:
    """Let each part go live in its turn; what went live, in that order.

    Raises:
        StageFailed: one did not hold. It serves its former release again, and so do those that
            were done before.
        PortTaken, NotFound: one cannot take over; with the same result.
    """
    done: list[tuple[Part, Activation | None, bool]] = []
    went: list[WentLive] = []
    for part in parts:
        site, before = part.site, part.site.ledger.current()
        known = {kept.id for kept in site.ledger.releases()}
        try:
            live = go_live(site, part.release, reason=reason, keep=KEEP_ALL, verify=part.verify)
        except BaseException as error:
            if site.where and isinstance(error, DockcycleError):
                error.about(site.where)
            for earlier, former, new in reversed(done):
                _try_to_return(earlier, former, new)
            raise
        went.append(live)
        done.append((part, before, part.release.id not in known))
    return [
        replace(live, retired=tuple(tidy(part.site, keep)))
        for part, live in zip(parts, went, strict=True)
    ]


def _try_to_return(part: Part, former: Activation | None, new: bool) -> None:
    """As far as that goes; what broke the rollout is what is raised."""
    site = part.site.undoing(Scope(RESTORE_SECONDS, what="going back to the former release"))
    what = former.release.id if former else "nothing"
    try:
        _return(site, part.release, former, new)
    except DockcycleError as error:
        site.tell(f"{site.where} could not go back to {what}: {error.message}")
    else:
        site.tell(f"{site.where} is back at {what}")


def _return(site: Site, release: Release, former: Activation | None, new: bool) -> None:
    """``new``: the release was not among those that are kept, and is not to be."""
    if former is not None and former.state == "live" and former.release.id != release.id:
        verify = verifier(former.release, site)
        go_live(site, former.release, reason="return", keep=KEEP_ALL, verify=verify)
    elif former is not None and former.state == "stopped":
        site.ledger.activate(
            former.release, state="stopped", reason="return", run=site.run, client=site.client,
            journal=site.journal,
        )  # fmt: skip
        converge(site)
    if new:
        _forget(site, release, alone=former is None)


def _forget(site: Site, release: Release, *, alone: bool) -> None:
    """The ledger last, so that what a killed one has left can be found again."""
    switch = switch_for(release, site)
    if alone:
        switch.stop(release)
    if alone or release.kind == "container":  # a Compose project is shared by its releases
        switch.remove(release)
    unprotect(site, release)
    site.ledger.forget(release)
    if alone:
        converge(site)  # its front and network


def _number(release_id: str) -> int:
    return int(release_id.removeprefix("r"))
