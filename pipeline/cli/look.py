"""``status``, ``logs`` and ``history``."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import LOOK, app, command
from pipeline.cli.options import Asked, asked
from pipeline.cli.words import Engine, Json, seconds
from pipeline.errors import Cancelled, Exit, UsageError

if TYPE_CHECKING:
    from pipeline.app.history import Row

UP = ("live", "in place")


@command(app, "status", LOOK, "dockcycle status", "dockcycle status --watch",
         "dockcycle status --json")  # fmt: skip
def status(
    ctx: typer.Context,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Keep it up to date until Ctrl-C.")
    ] = False,
    engine: Engine = None,
    as_json: Json = False,
) -> int:
    """Say what is live, as the engine itself knows it.

    Exit code 0 when the app is up as recorded, on each engine that serves it; else 1.
    """
    from pipeline.app.status import statuses
    from pipeline.cli import status as shown
    from pipeline.cli.output import print_json

    here = asked(ctx)
    if watch:
        return _watch_status(here, engine, as_json=as_json)
    found = statuses(here.workspace, engine)
    if as_json:
        print_json(found if len(found) > 1 else found[0])
    else:
        shown.show(found)
    return Exit.OK if all(one.state in UP for one in found) else Exit.FAILED


def _watch_status(here: Asked, engine: str | None, *, as_json: bool) -> int:
    from pipeline.app.signals import signals_to
    from pipeline.app.status import status as look
    from pipeline.cli import status as shown
    from pipeline.render import resolve
    from pipeline.scope import Scope

    scope, place = Scope(what="status"), here.workspace.one(engine)
    live = resolve(here.output, sys.stdout, os.environ) == "rich"
    try:
        with signals_to(scope):
            shown.watch(lambda: look(place), scope, as_json=as_json, live=live)
    except Cancelled as end:
        return end.exit_code
    return Exit.OK


@command(
    app, "logs", LOOK, "dockcycle logs -f", "dockcycle logs --tail 20 web",
    "dockcycle logs --since 10m",
)  # fmt: skip
def logs(
    ctx: typer.Context,
    services: Annotated[
        list[str] | None, typer.Argument(metavar="SERVICE", help="Only these services.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    tail: Annotated[
        str, typer.Option("--tail", "-n", metavar="N", help="The last N lines of each, or `all`.")
    ] = "100",
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only lines of the last TIME.")
    ] = None,
    engine: Engine = None,
    as_json: Json = False,
) -> int:
    """Show what the app prints."""
    from pipeline.app.logs import Wanted, chosen, log_lines, masking
    from pipeline.app.signals import signals_to
    from pipeline.scope import Scope

    wanted = Wanted(
        tail=_tail(tail), follow=follow,
        since=time.time() - seconds(since, "--since") if since else None,
    )  # fmt: skip
    workspace, scope = asked(ctx).workspace.one(engine), Scope(what="logs")
    mask = masking(workspace)
    containers = chosen(workspace, services or ())
    width = max(len(service) for service, _ in containers) if len(containers) > 1 else 0
    try:
        with signals_to(scope):
            for service, line in log_lines(workspace.ports.engine, containers, wanted, scope):
                _print_log(service, mask(line), width, as_json=as_json)
    except Cancelled as end:
        return end.exit_code
    return Exit.OK


def _tail(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"--tail: {text!r} is neither a number nor `all`")
    return int(text)


def _print_log(service: str, line: str, width: int, *, as_json: bool) -> None:
    from pipeline.kit.text import sanitize

    if as_json:
        sys.stdout.write(json.dumps({"service": service, "line": line}) + "\n")
    else:
        prefix = f"{service:<{width}} | " if width else ""
        sys.stdout.write(f"{prefix}{sanitize(line)}\n")
    sys.stdout.flush()


@command(app, "history", LOOK, "dockcycle history", "dockcycle history -n 5 --json")
def history(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, help="How many.")] = 20,
    everything: Annotated[
        bool, typer.Option("--all", help="Of all projects of this user.")
    ] = False,
    as_json: Json = False,
) -> int:
    """List the runs, newest first."""
    from pipeline.app.history import rows
    from pipeline.cli.output import print_json, print_table

    workspace = asked(ctx).workspace
    project = None if everything else workspace.head.name
    found = rows(workspace.store, project, limit)
    if as_json:
        print_json(found)
        return Exit.OK
    more = ("project",) if everything else ()
    table = [(*((row.project,) if everything else ()), *_history_cells(row)) for row in found]
    columns = (*more, "run", "status", "started", "took", "release", "commit", "by", "")
    print_table(columns, table, "There is no run yet.", spare=("commit", "by", "took"))
    return Exit.OK


def _history_cells(row: Row) -> tuple[str, ...]:
    from pipeline.cli.output import moment
    from pipeline.kit.text import human_duration

    took = human_duration(row.seconds) if row.seconds is not None else ""
    release, commit = row.outcome.get("release", ""), row.outcome.get("commit", "")[:7]
    note = row.what if row.what != "run" else row.failed and f"{row.failed} failed"
    return row.id, row.status, moment(row.started), took, release, commit, row.trigger, note
