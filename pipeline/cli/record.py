"""``show`` and ``diff``: single runs out of the record."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import LOOK, app, command
from pipeline.cli.complete import runs as known_runs
from pipeline.cli.options import asked
from pipeline.cli.words import Json, Run
from pipeline.errors import Exit, NotFound, UsageError

if TYPE_CHECKING:
    from pipeline.app.diff import Change
    from pipeline.app.workspace import Workspace
    from pipeline.events import Event
    from pipeline.store import RunRecord, Store


@command(
    app, "show", LOOK, "dockcycle show", "dockcycle show r12 --log",
    "dockcycle show latest --json", "dockcycle show --svg run.svg",
)  # fmt: skip
def show(
    ctx: typer.Context,
    run: Run = "latest",
    as_json: Json = False,
    log: Annotated[bool, typer.Option("--log", help="All its output.")] = False,
    events: Annotated[bool, typer.Option("--events", help="All its events as JSON.")] = False,
    svg: Annotated[
        str | None, typer.Option("--svg", metavar="FILE", help="Draw a picture of it.")
    ] = None,
) -> int:
    """Show one run."""
    from pipeline.cli.output import print_json

    if sum((as_json, log, events, svg is not None)) > 1:
        raise UsageError("--json, --log, --events and --svg do not go together")
    workspace = asked(ctx).workspace
    record = _find(workspace, run)
    if as_json:
        print_json(record.to_json())
    elif svg is not None:
        _draw(workspace.store, record, svg)
    elif log or events:
        _replay(workspace.store, record, "plain" if log else "json")
    else:
        _picture(workspace.store, record)
    return Exit.OK


def _find(workspace: Workspace, name: str) -> RunRecord:
    """A run of this project; without a pipeline file, of any."""
    from pipeline.app.history import find_run

    try:
        project = workspace.head.name
    except UsageError:
        if workspace.request.file:
            raise
        project = None
    return find_run(workspace.store, name, project)


def _events(store: Store, record: RunRecord) -> Iterator[Event]:
    from pipeline.render.stored import parse

    return (parse(body) for _, body in store.events(record.id))


def _replay(store: Store, record: RunRecord, how: str) -> None:
    import os

    from pipeline.render import choose

    renderer = choose("plain" if how == "plain" else "json", sys.stdout, os.environ)
    for event in _events(store, record):
        renderer(event)
    renderer.close()


def _draw(store: Store, record: RunRecord, file: str) -> None:
    from pipeline.render.picture import svg

    text = svg(_events(store, record), title=f"dockcycle run: {record.project}")
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error


def _picture(store: Store, record: RunRecord) -> None:
    """The end of the run, as its terminal showed it."""
    from pipeline.app.history import state_of
    from pipeline.cli.output import clock_time, console, print_fields
    from pipeline.render.frame import WIDEST, Look, frame
    from pipeline.render.panels import closing
    from pipeline.render.view import RunView
    from pipeline.render.words import glyphs_for

    view, out, last = RunView(), console(), record.started
    for event in _events(store, record):
        view.take(event)
        last = event.at
    width = min(out.width, WIDEST)
    out.print(*frame(view, Look(glyphs_for(sys.stdout), width, 10_000, last)), sep="\n")
    out.print()
    if view.finished:
        out.print(closing(view, view.finished, width))
    else:
        state = [("Status", state_of(store.home, record)), ("Started", clock_time(record.started))]
        print_fields(state)


@command(app, "diff", LOOK, "dockcycle diff", "dockcycle diff r11 r12 --json")
def diff(
    ctx: typer.Context,
    a: Annotated[
        str | None,
        typer.Argument(metavar="RUN", autocompletion=known_runs, help="The earlier run."),
    ] = None,
    b: Annotated[
        str | None,
        typer.Argument(metavar="RUN", autocompletion=known_runs,
                       help="The later run; by default the latest one."),
    ] = None,
    as_json: Json = False,
) -> int:  # fmt: skip
    """Say what differs between two runs: by default the last two that passed."""
    from pipeline.app.diff import compare
    from pipeline.cli.output import print_json

    workspace = asked(ctx).workspace
    later = _find(workspace, b or "latest") if a or b else _passed(workspace)
    earlier = _find(workspace, a) if a else _passed(workspace, later)
    changes = compare(earlier, later)
    if as_json:
        print_json({"a": earlier.id, "b": later.id, "changes": changes})
    else:
        _show_changes(earlier, later, changes)
    return Exit.OK


def _passed(workspace: Workspace, later: RunRecord | None = None) -> RunRecord:
    """The last run that passed, before ``later``."""
    latest = _find(workspace, "latest")
    for record in workspace.store.runs(latest.project, limit=1000):
        if record.status == "passed" and (later is None or record.started < later.started):
            return workspace.store.run(record.id)
    raise NotFound(
        "there are no two runs that passed",
        hint="Name two: `dockcycle history` lists them.",
    )


def _show_changes(earlier: RunRecord, later: RunRecord, changes: list[Change]) -> None:
    from pipeline.cli.output import print_line, print_table

    if not changes:
        print_line(f"{earlier.id} and {later.id} do not differ.")
        return
    rows = [(change.what, change.a or "-", change.b or "-") for change in changes]
    print_table(("", earlier.id, later.id), rows)
    for change in changes:
        if change.lines:
            print_line("")
        for line in change.lines:
            print_line(line)
