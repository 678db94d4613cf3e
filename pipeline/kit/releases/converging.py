"""Reality is made to agree with the ledger, whatever has happened meanwhile."""

from __future__ import annotations

from pipeline.artifacts import Release
from pipeline.kit.front import fronts, remove_fronts, remove_networks
from pipeline.kit.labels import RELEASE, select
from pipeline.kit.releases.kinds import switch_for
from pipeline.kit.releases.ledger import Activation
from pipeline.kit.releases.site import Site


def converge(site: Site) -> list[str]:
    """Make reality agree with the ledger; what was done, for people.

    Needed after a killed run: the release in force runs (unless it was stopped on purpose), no
    other one does, its front leads to it, and containers of releases that never came into force are
    gone.
    """
    current = site.ledger.current()
    done: list[str] = []
    first = current is not None and _has_front(current) and _leads_somewhere(site)
    if current and first:
        done += _bring_back(site, current)  # the front may lead to what is about to go
    done += _remove_strays(site)
    if current is None:
        done += remove_fronts(site.gate, site.project)
        remove_networks(site.engine, site.project)
        return done
    done += _put_others_away(site, current.release)
    if not _has_front(current):
        done += remove_fronts(site.gate, site.project)
    if current.state == "live":
        return done if first else done + _bring_back(site, current)
    return done + _put_away(site, current.release, "as it was asked to be")


def _has_front(current: Activation) -> bool:
    return current.state == "live" and current.release.handover is not None


def _leads_somewhere(site: Site) -> bool:
    return any(front.running for front in fronts(site.engine, site.project))


def _bring_back(site: Site, current: Activation) -> list[str]:
    release = current.release
    switch = switch_for(release, site)
    up = switch.is_up(release)
    if not up or release.kind == "container":  # its restart policy may be that of a take-over
        switch.start(release)
    if up:
        return []
    switch.wait(release)
    return [f"started {release.id} again"]


def _remove_strays(site: Site) -> list[str]:
    known = {"", *(release.id for release in site.ledger.releases())}
    done = []
    for stray in site.engine.containers(select(site.project, "live")):
        if stray.labels.get(RELEASE, "") not in known:
            site.engine.remove(stray.id, volumes=True)
            done.append(f"removed {stray.name}, which never went live")
    return done


def _put_others_away(site: Site, current: Release) -> list[str]:
    return [
        line
        for release in site.ledger.releases()[::-1]
        if release.id != current.id and release.kind == "container"
        for line in _put_away(site, release, "which is not the release in force")
    ]


def _put_away(site: Site, release: Release, why: str) -> list[str]:
    """See that a release does not run, nor come back with the engine."""
    switch = switch_for(release, site)
    runs = switch.runs(release)
    if release.kind == "container":
        switch.retire(release)  # its restart policy too
    elif runs:
        switch.stop(release)
    return [f"stopped {release.id}, {why}"] if runs else []
