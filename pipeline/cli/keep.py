"""``rollback``, and what acts on the app that is live."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import KEEP, app, command
from pipeline.cli.options import asked
from pipeline.cli.words import (
    DryRun,
    Engine,
    RunId,
    Trigger,
    Wait,
    check_run_id,
    check_trigger,
    seconds,
)
from pipeline.cli.work import concluded, rendering
from pipeline.errors import Exit

if TYPE_CHECKING:
    from pipeline.app.rollback import Choice
    from pipeline.app.workspace import Workspace
    from pipeline.events import Event
    from pipeline.kit.releases import Site

_WIDEST = 40
"""Characters of a value that is shown beside another."""
Act = Callable[["Workspace", "Site"], list[str]]
UNNEEDED = "there is nothing that nobody needs"


@command(
    app, "rollback", KEEP,
    "dockcycle rollback", "dockcycle rollback r12", "dockcycle rollback --dry-run",
)  # fmt: skip
def rollback(
    ctx: typer.Context,
    release: Annotated[
        str | None,
        typer.Argument(
            metavar="RELEASE",
            help="Id (r12), commit or tag; by default the last good one before it.",
        ),
    ] = None,
    dry_run: DryRun = False,
    wait: Wait = None,
    engine: Engine = None,
    trigger: Trigger = "cli",
    run_id: RunId = None,
) -> int:
    """Bring an earlier release back, by the same checks as a new one."""
    from pipeline.app import rollback as back

    here, run = asked(ctx), check_run_id(run_id)
    here.trigger = check_trigger(trigger)
    if dry_run:
        for choice in back.choose(here.workspace, release, engine):
            _show_choice(choice)
        return Exit.OK
    with rendering(here) as renderer:
        result = back.roll_back(
            here.workspace, release, [renderer], wait=seconds(wait), run=run, engine=engine
        )
    return concluded(result, here)


def _show_choice(choice: Choice) -> None:
    from pipeline.cli.output import ago, print_line, print_table

    rows = [
        (what, r.id, (r.commit or "")[:12], ago(r.created), " ".join(i[7:19] for i in
         r.images.values()))
        for what, r in (("live now", choice.current), ("would come back", choice.target))
        if r is not None
    ]  # fmt: skip
    if choice.engine:
        print_line(f"on {choice.engine}:")
    print_table(("", "release", "commit", "made", "image"), rows)
    if choice.current is None or choice.current.id == choice.target.id:
        return
    print_line("")
    print_table(
        ("changes", "now", "then"),
        [(change.what, _short(change.a), _short(change.b)) for change in choice.changes],
    )
    print_line("")
    print_line("without a gap" if choice.gapless else "with a gap: one stops, the other starts")


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


@command(app, "start", KEEP, "dockcycle start")
def start(ctx: typer.Context, wait: Wait = None, engine: Engine = None) -> int:
    """Start what was stopped, and wait until it is up."""
    from pipeline.app import live

    return _act(ctx, "start", wait, live.start, engine=engine)


@command(app, "stop", KEEP, "dockcycle stop")
def stop(ctx: typer.Context, wait: Wait = None, engine: Engine = None) -> int:
    """Stop the app for good, through engine restarts too."""
    from pipeline.app import live

    return _act(ctx, "stop", wait, live.stop, engine=engine)


@command(app, "restart", KEEP, "dockcycle restart")
def restart(ctx: typer.Context, wait: Wait = None, engine: Engine = None) -> int:
    """Stop and start, and wait until it is up."""
    from pipeline.app import live

    return _act(ctx, "restart", wait, live.restart, engine=engine)


@command(app, "kill", KEEP, "dockcycle kill", "dockcycle kill --signal TERM")
def kill(
    ctx: typer.Context,
    signal: Annotated[
        str, typer.Option("--signal", "-s", metavar="NAME", help="Which signal.")
    ] = "KILL",
    wait: Wait = None,
    engine: Engine = None,
) -> int:
    """Stop the app by a signal, at once."""
    from pipeline.app import live

    return _act(
        ctx, "kill", wait, lambda workspace, site: live.kill(workspace, site, signal), engine=engine
    )


@command(app, "rm", KEEP, "dockcycle rm")
def remove(ctx: typer.Context, wait: Wait = None, engine: Engine = None) -> int:
    """Remove what is live; its releases stay and can come back."""
    from pipeline.app import live

    return _act(ctx, "rm", wait, live.remove, engine=engine)


@command(app, "down", KEEP, "dockcycle down", "dockcycle down --volumes")
def down(
    ctx: typer.Context,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Also named volumes, with the data in them.")
    ] = False,
    wait: Wait = None,
    engine: Engine = None,
) -> int:
    """Remove all of the project from the engine, its releases too."""
    from pipeline.app import live

    return _act(
        ctx, "down", wait, lambda workspace, site: live.down(workspace, site, volumes=volumes),
        "there is nothing of this project on the engine", engine=engine, builder=True,
    )  # fmt: skip


@command(app, "prune", KEEP, "dockcycle prune --dry-run", "dockcycle prune --keep-runs 50")
def prune(
    ctx: typer.Context,
    keep_runs: Annotated[
        int, typer.Option("--keep-runs", metavar="N", min=1, help="Records of runs that stay.")
    ] = 100,
    dry_run: DryRun = False,
    wait: Wait = None,
) -> int:
    """Remove leftovers, images that no release needs, and old records."""
    from pipeline.app import prune as pruning
    from pipeline.cli.output import print_line

    if dry_run:
        found = pruning.would_prune(asked(ctx).workspace)
        for line in found:
            print_line(line)
        if not found:
            tell(UNNEEDED)
        return Exit.OK
    return _act(
        ctx, "prune", wait, lambda workspace, _: pruning.prune(workspace, keep_runs=keep_runs),
        UNNEEDED, builder=True,
    )  # fmt: skip


def _act(
    ctx: typer.Context, what: str, wait: str | None, act: Act, nothing: str = "nothing to do", *,
    engine: str | None = None, builder: bool = False,
) -> int:  # fmt: skip
    """Under the project's lock: results go to stdout, what happens meanwhile to stderr, and
    ``nothing`` too when there was none. On each engine that serves, or on ``engine`` alone; and, if
    that is not named, on the one that builds, too, for a ``builder``."""
    from pipeline.app.live import site_of
    from pipeline.app.running import started
    from pipeline.cli.output import print_line
    from pipeline.kit.releases import held

    workspace = asked(ctx).workspace
    places = workspace.serving(engine)
    if builder and engine is None and workspace not in places:
        places = [*places, workspace]
    done: list[str] = []
    with started(workspace, what, seconds(wait), [_tell_notice]) as (_, scope):
        for place in places:
            site = site_of(place, scope=scope, tell=tell, log=tell)
            with held([site], what, wait=seconds(wait)) as (locked,):
                lines = act(place, locked)
            done += [f"{place.engine}: {line}" if place.engine else line for line in lines]
    for line in done:
        print_line(line)
    if not done:
        tell(nothing)
    return Exit.OK


def _tell_notice(event: Event) -> None:
    tell(getattr(event, "message", ""))


def tell(line: str) -> None:
    from pipeline.kit.text import sanitize

    sys.stderr.write(f"{sanitize(line)}\n")
