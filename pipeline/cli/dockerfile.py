"""``dockerfile``: how an image is made."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import AUTHOR, app, command
from pipeline.cli.desk import desk
from pipeline.cli.options import asked
from pipeline.cli.words import Json
from pipeline.errors import Exit, UsageError

if TYPE_CHECKING:
    from pipeline.app.dockerfile import File
    from pipeline.kit.authoring import Reason

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
    with desk(asked(ctx), "looking at the code") as (it, _):
        files = look(it, services or ())
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
    elif file.draft is not None and not (file.is_users and any(e.what == "adopted" for e in done)):
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
