"""``lint`` and ``update``: what is wrong with Dockerfiles, and what they stand on."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import AUTHOR, app, command
from pipeline.cli.desk import desk, opened
from pipeline.cli.options import Asked, asked
from pipeline.cli.words import DryRun, Json
from pipeline.errors import Exit, UsageError

if TYPE_CHECKING:
    from pipeline.app.lint import Linted
    from pipeline.app.update import Row


@command(
    app, "lint", AUTHOR,
    "dockcycle lint", "dockcycle lint --fix", "dockcycle lint docker/web.Dockerfile --json",
)  # fmt: skip
def lint(
    ctx: typer.Context,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Dockerfiles; by default those of the project."),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is mechanical.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Look for mistakes in the Dockerfiles.

    Exit code 1 if there is one as severe as `lint.severity` of the pipeline file says.
    """
    from pipeline.app import lint as linting
    from pipeline.cli.keep import tell

    if dry_run and not fix:
        raise UsageError("--dry-run belongs to --fix")
    here = asked(ctx)

    def told(message: str, hint: str) -> None:
        tell(f"{message} ({hint})" if hint else message)

    with desk(here, "linting") as (it, scope):
        found = linting.lint(here.workspace, it, files or (), told, scope)
        if fix and _mend(found, dry_run=dry_run):
            found = linting.lint(here.workspace, opened(here, scope), files or (), told, scope)
    _report(here, found, as_json=as_json)
    return Exit.FAILED if any(linted.severe for linted in found) else Exit.OK


def _mend(found: Sequence[Linted], *, dry_run: bool) -> bool:
    """Show what can be mended, and do it; whether something was done."""
    from pipeline.app.lint import mend
    from pipeline.cli.output import print_line

    mended = [each for linted in found for each in mend(linted)]
    for each in mended:
        for line in each.lines:
            print_line(line)
        if not dry_run:
            each.write()
    return bool(mended) and not dry_run


def _report(here: Asked, found: Sequence[Linted], *, as_json: bool) -> None:
    from pipeline.cli.findings import as_events, as_rows, as_text
    from pipeline.cli.output import print_json
    from pipeline.render import resolve

    how = resolve(here.output, sys.stdout, os.environ)
    if as_json:
        print_json(as_rows(found))
    elif how in ("json", "github"):
        as_events(found, how)
    else:
        as_text(found)


@command(
    app, "update", AUTHOR,
    "dockcycle update", "dockcycle update python redis:7", "dockcycle update --dry-run",
)  # fmt: skip
def update(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Images, with or without tag; by default all."),
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Pin base images in pipeline.lock to what registries have now.

    Exit code 4 if a registry did not answer: what the lock has of it stays.
    """
    from pipeline.app.update import update as move
    from pipeline.cli.output import print_json

    here = asked(ctx)
    with desk(here, "asking registries") as (it, scope):
        rows = move(here.workspace, it, names or (), scope, dry_run=dry_run)
    if as_json:
        print_json(rows)
    else:
        _show_rows(rows)
    return Exit.UNUSABLE if any(row.state == "unknown" for row in rows) else Exit.OK


def _show_rows(rows: Sequence[Row]) -> None:
    from pipeline.cli.output import print_table

    def short(digest: str) -> str:
        return digest.removeprefix("sha256:")[:12]

    table = [
        (row.name, row.state, short(row.was), short(row.now),
         row.message or " ".join(row.services))
        for row in rows
    ]  # fmt: skip
    print_table(("image", "", "was", "is", "for"), table, "No image comes from a registry.")
