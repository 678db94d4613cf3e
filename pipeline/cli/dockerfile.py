"""``dockerfile``, ``lint`` and ``update``: how images are made."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import AUTHOR, app, command
from pipeline.cli.options import Asked, asked
from pipeline.cli.words import DryRun, Json
from pipeline.errors import Exit, UsageError

if TYPE_CHECKING:
    from pipeline.app.dockerfile import File
    from pipeline.app.drafted import Desk
    from pipeline.app.lint import Linted
    from pipeline.app.update import Row
    from pipeline.kit.authoring import Reason
    from pipeline.scope import Scope

YOURS = {
    "edited": "yours, since it was edited",
    "own": "yours",
    "inline": "a part of the Compose file",
}


@command(
    app, "dockerfile", AUTHOR, "dockcycle dockerfile", "dockcycle dockerfile --explain",
    "dockcycle dockerfile web --print", "dockcycle dockerfile --adopt",
)  # fmt: skip
def dockerfile(
    ctx: typer.Context,
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="SERVICE", help="Only these, of a Compose project."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Only say which file led to which decision.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--print", help="Only print what would be written.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a Dockerfile that is yours.")
    ] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Make it yours: take away the line that marks it.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Write the Dockerfile for the code that is here.

    One that is yours stays: what differs from it is shown.
    """
    from pipeline.app.dockerfile import look, write
    from pipeline.cli.output import print_json

    if (explain or show) and (force or adopt):
        raise UsageError("--explain and --print write nothing: --force and --adopt do")
    with _desk(asked(ctx), "looking at the code") as (desk, _):
        files = look(desk, services or ())
        done = {}
        if not (explain or show):
            done = {file.place: list(write(file, force=force, adopt=adopt)) for file in files}
    if as_json:
        print_json([_as_json(file, done.get(file.place, [])) for file in files])
        return Exit.OK
    for file in files:
        if explain:
            _explain(file)
        elif show:
            _print(file, several=len(files) > 1)
        else:
            _tell(file, done[file.place])
    return Exit.OK


def _tell(file: File, done: Sequence[Any]) -> None:
    from pipeline.cli.keep import tell
    from pipeline.cli.output import print_line
    from pipeline.render.words import short_path

    for each in done:
        print_line(f"{each.what:<9} {short_path(str(each.path))}")
    if file.state == "inline":
        tell(f"the Dockerfile of {file.service} is a part of the Compose file")
    elif any(each.what == "kept" for each in done):
        _tell_difference(file)
    elif file.draft is not None:
        _print_reasons(file.draft.reasons)


def _tell_difference(file: File) -> None:
    """Of a file that is the user's: in the way of a diff, with what can be done about it."""
    from pipeline.cli.keep import tell
    from pipeline.cli.output import print_line

    name = file.place.path.name
    if file.problem is not None:
        tell(f"{name} is {YOURS[file.state]}; none can be generated: {file.problem.message}")
        return
    lines = file.difference()
    for line in lines:
        print_line(line)
    if not lines:
        tell(f"{name} is {YOURS[file.state]}, and says what would be generated.")
        return
    adopt = ", `--adopt` takes the line away that says it was generated" * (file.state == "edited")
    tell(f"{name} is {YOURS[file.state]}. `--force` replaces it{adopt}.")


def _print(file: File, *, several: bool) -> None:
    from pipeline.render.words import short_path

    if file.draft is None:
        raise file.problem or UsageError(f"the Dockerfile of {file.service} is {YOURS['inline']}")
    if several:
        sys.stdout.write(f"# {short_path(str(file.place.path))}\n")
    sys.stdout.write(file.draft.text)


def _explain(file: File) -> None:
    from pipeline.cli.keep import tell
    from pipeline.cli.output import print_table
    from pipeline.render.words import short_path

    name = short_path(str(file.place.path))
    if file.is_users:
        tell(f"{name} is {YOURS[file.state]}. A generated one would be made so:")
    if file.problem is not None:
        raise file.problem
    if file.draft is None:
        return
    if file.draft.origin == "declared":
        tell(f"{name} is declared in the pipeline file.")
        return
    rows = [
        (r.subject, r.value, _place(r), f"{'? ' if r.doubtful else ''}{r.because}")
        for r in file.draft.reasons
    ]
    print_table(("", file.service, "from", "because"), rows)


def _place(reason: Reason) -> str:
    return f"{reason.file}:{reason.line}" if reason.line else reason.file


def _print_reasons(reasons: Sequence[Reason]) -> None:
    """Why the Dockerfile is what it is."""
    from pipeline.cli.output import print_line

    for reason in reasons:
        print_line(f"  {'? ' if reason.doubtful else '  '}{reason}")


def _as_json(file: File, done: Sequence[Any]) -> dict[str, Any]:
    from pipeline.kit.dockerfile.ports import exposed_port

    draft = file.draft
    return {
        "service": file.service,
        "path": file.place.path,
        "state": file.state,
        "origin": draft.origin if draft else None,
        "text": draft.text if draft else None,
        "port": exposed_port(draft.text) if draft else None,
        "reasons": draft.reasons if draft else (),
        "problem": file.problem.message if file.problem else "",
        "done": done,
    }


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

    with _desk(here, "linting") as (desk, scope):
        found = linting.lint(here.workspace, desk, files or (), told, scope)
        if fix and _mend(found, dry_run=dry_run):
            found = linting.lint(here.workspace, _opened(here, scope), files or (), told, scope)
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
    with _desk(here, "asking registries") as (desk, scope):
        rows = move(here.workspace, desk, names or (), scope, dry_run=dry_run)
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


@contextmanager
def _desk(here: Asked, what: str) -> Iterator[tuple[Desk, Scope]]:
    """With a scope that Ctrl-C ends."""
    from pipeline.app.drafted import LIMIT
    from pipeline.app.signals import signals_to
    from pipeline.scope import Scope

    scope = Scope(LIMIT, what=what)
    with signals_to(scope):
        yield _opened(here, scope), scope


def _opened(here: Asked, scope: Scope) -> Desk:
    from pipeline.app.drafted import at_the_desk

    return at_the_desk(here.workspace, scope)
