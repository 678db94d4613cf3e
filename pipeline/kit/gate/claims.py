"""Which project serves which domain on an engine.

A claim is an empty, labelled volume that is named after the domain. Making one is atomic, so no two
projects have the same domain; and the gate's list of domains can be made anew from all there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline.artifacts import Frozen
from pipeline.errors import EngineRefused
from pipeline.kit.gate.acme import Acme
from pipeline.kit.labels import PROJECT, ROLE, labels, select
from pipeline.ports import Engine, Journal
from pipeline.ports.engine import VolumeInfo

ENTRY = "dockcycle.domain"
"""Label: what the gate has to know, as the name of the file there."""
ACME = "dockcycle.acme"
"""Label: who is to sign certificates, as JSON."""


class Claim(Frozen):
    """``project`` serves ``domain``; ``entry`` is the name of the gate's file about it."""

    project: str
    domain: str
    entry: str
    acme: Acme = Acme()
    """Who is to sign, if the project cares."""


def claims(engine: Engine, project: str = "") -> list[Claim]:
    """All on the engine, or those of one project."""
    chosen = select(project, "domain") if project else {ROLE: "domain"}
    return list(_parsed(engine.volumes(chosen)))


def require_unclaimed(engine: Engine, project: str, domains: Iterable[str]) -> None:
    """See that no other project has one of ``domains``.

    Raises:
        EngineRefused: one has.
    """
    wanted = set(domains)
    for known in claims(engine):
        if known.domain in wanted and known.project != project:
            raise _taken(known)


def claim(engine: Engine, wanted: Claim, journal: Journal) -> None:
    """Make the domain the project's. Idempotent.

    Raises:
        EngineRefused: another project has it.
    """
    name = _name(wanted.domain)
    marks = {
        **labels(wanted.project, "domain"),
        ENTRY: wanted.entry,
        ACME: wanted.acme.model_dump_json(),
    }
    with journal.effect("domain", wanted.domain):
        there = engine.create_volume(name, marks)
        if there.labels != marks and there.labels.get(PROJECT) == wanted.project:
            engine.remove_volume(name)  # it was to lead elsewhere
            there = engine.create_volume(name, marks)
    known = next(_parsed([there]), None)
    if known is None:
        raise EngineRefused(
            f"a volume that dockcycle did not make is called {name}",
            hint=f"Remove it: `docker volume rm {name}`.",
        )
    if known.project != wanted.project:
        raise _taken(known)


def withdraw(engine: Engine, project: str, keep: Iterable[str] = ()) -> list[str]:
    """Give up the project's domains but for those in ``keep``; which these were."""
    kept = set(keep)
    gone = sorted(one.domain for one in claims(engine, project) if one.domain not in kept)
    for domain in gone:
        engine.remove_volume(_name(domain))
    return gone


def _taken(known: Claim) -> EngineRefused:
    return EngineRefused(
        f"{known.domain} is served by {known.project} on this engine",
        hint=f"Take `domain: {known.domain}` out of the one project or the other.",
    )


def _name(domain: str) -> str:
    return f"dockcycle-domain.{domain}"


def _parsed(volumes: Iterable[VolumeInfo]) -> Iterator[Claim]:
    for volume in volumes:
        marks = volume.labels
        if ENTRY in marks and PROJECT in marks:
            yield Claim(
                project=marks[PROJECT],
                domain=volume.name.removeprefix(_name("")),
                entry=marks[ENTRY],
                acme=Acme.model_validate_json(marks.get(ACME) or "{}"),
            )
