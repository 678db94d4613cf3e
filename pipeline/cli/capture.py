"""``capture``: a Dockerfile of a container that was set up by hand."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import AUTHOR, app, command
from pipeline.cli.keep import tell
from pipeline.cli.options import asked
from pipeline.cli.words import Json
from pipeline.errors import Exit, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.kit.capture import Captured, Checked

LIMIT = 1800.0
"""Seconds; a container may be large."""
NAMED = 3
"""Paths that are told of each kind of what is left out."""


@command(
    app, "capture", AUTHOR,
    "dockcycle capture web", "dockcycle capture web -o rebuilt", "dockcycle capture web --explain",
)  # fmt: skip
def capture(
    ctx: typer.Context,
    container: Annotated[str, typer.Argument(metavar="CONTAINER", help="Name or id.")],
    to: Annotated[
        str | None,
        typer.Option("--to", "-o", metavar="DIR", help="A new folder; the container's name."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Write nothing; list all that was found.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Build it too, and compare it with the container.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Write a Dockerfile that makes a container again.

    With the files that were changed in it since it was made. The container is left as it is.
    """
    from pipeline.app import capture as capturing
    from pipeline.app.signals import signals_to
    from pipeline.cli.output import print_json, print_table
    from pipeline.scope import Scope

    if explain and (to or check):
        raise UsageError("--explain writes nothing: --to and --check are of no use with it")
    workspace = asked(ctx).workspace
    scope = Scope(LIMIT, what="capturing")
    with signals_to(scope):
        captured = capturing.look(workspace, container, scope)
        folder = None if explain else capturing.write(workspace, captured, to, scope)
        checked = None
        if folder is not None and check:
            captured, checked = capturing.rebuild(workspace, captured, folder, tell, scope)
    rows = list(capturing.explain(captured))
    if as_json:
        made = {"folder": folder, "dockerfile": captured.recipe.dockerfile}
        print_json({**made, "found": rows, "checked": checked})
    elif folder is None:
        print_table(("", "", ""), [(row.what, row.name, row.detail) for row in rows])
    else:
        _report(captured, folder)
        _compare(checked)
        _next(captured, folder)
    return Exit.OK


def _report(captured: Captured, folder: Path) -> None:
    """What was written, and what was left out: last what may be missed."""
    from pipeline.cli.output import print_line
    from pipeline.render.words import short_path

    name = short_path(str(folder))
    copied = sum(map(len, captured.recipe.copied.values()))
    print_line(f"wrote     {name}/Dockerfile")
    if copied:
        print_line(f"wrote     {name}/files ({copied} {'file' if copied == 1 else 'files'})")
    for left in sorted(captured.plan.left, key=lambda left: left.worth_a_look):
        some = ", ".join(left.paths[:NAMED])
        more = f" and {len(left.paths) - NAMED} more" if len(left.paths) > NAMED else ""
        tell(f"{'!' if left.worth_a_look else ' '} left out, {left.why}: {some}{more}")
    for variable in captured.plan.started.secrets:
        tell(f"! left out, it looks like a secret: the variable {variable}")


def _compare(checked: Checked | None) -> None:
    """How far the rebuilt image is the container again."""
    from pipeline.cli.output import print_line

    if checked is None:
        return
    for path in checked.extra:
        print_line(f"checked   {path} is made by a package: the Dockerfile takes it away now")
    for what, paths in (("is missing", checked.missing), ("differs", checked.different)):
        for path in paths:
            print_line(f"checked   {path} {what}")
    if not (checked.missing or checked.different):
        print_line("checked   the image has all that is meant to be in it")


def _next(captured: Captured, folder: Path) -> None:
    from pipeline.cli.output import print_line
    from pipeline.render.words import short_path

    options = [*captured.run_options]
    for variable in captured.plan.started.secrets:
        options += ["-e", variable]
    print_line("Next: look at it, then")
    print_line(f"  docker build -t NAME {shlex.quote(short_path(str(folder)))}")
    print_line(f"  docker run -d {' '.join([*map(shlex.quote, options), 'NAME'])}")
