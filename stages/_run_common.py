"""What both kinds of ``run`` do alike: candidates' names and ends, guards, notes."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.errors import EngineRefused, Location
from pipeline.kit import in_place, reach
from pipeline.kit.labels import select
from pipeline.kit.notes import Note
from pipeline.kit.observer import Observer
from pipeline.kit.sweep import sweep
from pipeline.scope import Scope
from pipeline.stage import Context


def candidate_name(ctx: Context) -> str:
    """Of this run's candidate: its container, or its Compose project."""
    return f"{ctx.project.name}-candidate-{ctx.run.rpartition('-')[2]}"


def private_ip(ctx: Context) -> str:
    """Where the candidate's ports are bound; told when that is not just loopback."""
    address = ctx.ports.engine.info().address
    host_ip = reach.private_ip(address)
    if host_ip != reach.LOOPBACK:
        ctx.notice(
            f"while it is tested, the candidate's ports are open on {reach.engine_host(address)}: "
            "the engine is on another machine",
            rule="candidate",
        )
    return host_ip


def remove_candidates(ctx: Context) -> None:
    """Remove whatever candidates of this client are left, by their labels."""
    engine = ctx.ports.engine
    mine = select(ctx.project.name, "candidate", client=ctx.client)
    if engine.containers(mine) or engine.volumes(mine) or engine.networks(mine):
        with ctx.journal.effect("sweep", ctx.project.name):
            sweep(engine, ctx.project.name, client=ctx.client)


def require_not_live(ctx: Context) -> None:
    """In place must not be where ``operate`` has put a release."""
    for container in ctx.ports.engine.containers(select(ctx.project.name, "live")):
        if container.running:
            raise EngineRefused(
                f"{ctx.project.name} has a live release ({container.name}); this pipeline has no "
                "`operate` and would run in its place",
                hint="Add `operate` to the pipeline, or take the release down: `dockcycle down`.",
            )


def require_kind(ctx: Context, record: in_place.Record | None, kind: str) -> None:
    """A container and a Compose project do not replace each other in place."""
    if record is not None and record.kind != kind:
        raise EngineRefused(
            f"{ctx.project.name} runs in place as a {record.kind}, and the pipeline now says "
            f"{kind}",
            hint="Remove it first: `dockcycle down`.",
        )


def tell(ctx: Context, notes: Iterable[Note], file: str) -> None:
    for note in notes:
        where = Location(file=file, key=note.key) if note.key else None
        ctx.notice(note.message, hint=note.hint, rule="candidate", where=where)


def observer(ctx: Context, scope: Scope) -> Observer:
    ports = ctx.ports
    return Observer(ports.engine, ports.http, ports.clock, scope, ctx.progress)
