"""``run`` and ``plan``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import WORK, app, command
from pipeline.cli.options import Asked, asked
from pipeline.cli.words import (
    DryRun,
    First,
    Force,
    Json,
    Last,
    Only,
    RunId,
    Trigger,
    Wait,
    check_run_id,
    check_trigger,
    seconds,
)
from pipeline.errors import Exit, UsageError

if TYPE_CHECKING:
    from pipeline.planner import Plan, Selection
    from pipeline.render import Renderer
    from pipeline.runner import RunResult

SOMETHING_TO_DO = 2


@command(
    app, "run", WORK,
    "dockcycle run", "dockcycle run --to smoke", "dockcycle run --only build --force",
    "dockcycle run -e production --output json",
)  # fmt: skip
def run(
    ctx: typer.Context,
    first: First = None,
    last: Last = None,
    only: Only = None,
    dry_run: DryRun = False,
    force: Force = False,
    sequential: Annotated[
        bool, typer.Option("--sequential", help="One stage at a time, whatever could run beside.")
    ] = False,
    wait: Wait = None,
    trigger: Trigger = "cli",
    run_id: RunId = None,
) -> int:
    """Run the pipeline.

    Stages whose inputs have not changed, and whose results are still there, are reused.
    """
    from pipeline.app.running import RunOptions, run_pipeline

    here, chosen = asked(ctx), selection(first, last, only, force=force)
    here.trigger = check_trigger(trigger)
    if dry_run:
        show_plan(here, _plan(here, chosen), as_json=here.output == "json")
        return Exit.OK
    options = RunOptions(
        selection=chosen, sequential=sequential, wait=seconds(wait), run=check_run_id(run_id)
    )
    with rendering(here) as renderer:
        result = run_pipeline(here.workspace, options, [renderer])
    return concluded(result, here)


@command(app, "plan", WORK, "dockcycle plan", "dockcycle plan --from smoke --json")
def plan(
    ctx: typer.Context,
    first: First = None,
    last: Last = None,
    only: Only = None,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Say what `run` would do, and why.

    Exit code 0: there is nothing to do; 2: there is something.
    """
    here = asked(ctx)
    made = _plan(here, selection(first, last, only, force=force))
    show_plan(here, made, as_json=as_json)
    return Exit.OK if made.nothing_to_do else SOMETHING_TO_DO


def selection(first: str | None, last: str | None, only: str | None, *, force: bool) -> Selection:
    """What the options choose.

    Raises:
        UsageError: ``--only`` beside one of the others.
    """
    from pipeline.planner import Selection

    if only and (first or last):
        raise UsageError("--only says all: it does not go with --from or --to")
    return Selection(first=only or first, last=only or last, force=force)


def _plan(here: Asked, chosen: Selection) -> Plan:
    from pipeline.app.running import make_plan, new_run_id

    return make_plan(here.workspace, new_run_id(), chosen)


def show_plan(here: Asked, made: Plan, *, as_json: bool) -> None:
    """As JSON or as a table."""
    from pipeline.cli.output import print_json, print_line, print_table

    if as_json:
        print_json({"nothing_to_do": made.nothing_to_do, "stages": made.lines()})
        return
    rows = [(line.key, line.action, here.mask(line.reason)) for line in made.lines()]
    print_table(("stage", "", "because"), rows)
    if made.nothing_to_do:
        print_line("Nothing to do.")


@contextmanager
def rendering(here: Asked) -> Iterator[Renderer]:
    """The renderer that was asked for; it lets go of the terminal whatever happens."""
    from pipeline.render import choose

    renderer = choose(here.output, sys.stdout, os.environ)
    try:
        yield renderer
    finally:
        renderer.close()


def concluded(result: RunResult, here: Asked) -> int:
    """The exit code of a run; a bug is told with its report."""
    if result.error is not None and result.exit_code == Exit.BUG:
        from pipeline.cli.report import tell_bug

        tell_bug(result.error, sys.argv[1:], here.mask)
    return result.exit_code
