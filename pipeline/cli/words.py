"""What people write on the command line, as values."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from pipeline.cli.complete import runs, stages
from pipeline.errors import UsageError

Wait = Annotated[
    str | None,
    typer.Option("--wait", metavar="TIME", help="Wait so long for a run that is under way."),
]
Engine = Annotated[
    str | None,
    typer.Option("--engine", metavar="NAME",
                 help="Only this one of the engines that `operate` names."),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Force = Annotated[bool, typer.Option("--force", help="Reuse nothing of earlier runs.")]
First = Annotated[
    str | None,
    typer.Option("--from", metavar="STAGE", autocompletion=stages,
                 help="Reuse what the stages before it made the last time."),
]  # fmt: skip
Last = Annotated[
    str | None,
    typer.Option("--to", metavar="STAGE", autocompletion=stages, help="Stop after it."),
]
Only = Annotated[
    str | None,
    typer.Option("--only", metavar="STAGE", autocompletion=stages,
                 help="The same as --from STAGE --to STAGE."),
]  # fmt: skip
Trigger = Annotated[
    str,
    typer.Option("--trigger", metavar="NAME", help="What the record says started the run (cli)."),
]
RunId = Annotated[
    str | None,
    typer.Option("--run-id", metavar="ID", help="The run's id, for who must know it beforehand."),
]
Run = Annotated[
    str,
    typer.Argument(metavar="RUN", autocompletion=runs, show_default=False,
                   help="Run id, a part of one, or a release (r12); by default the latest run."),
]  # fmt: skip


def seconds(text: str | None, option: str = "--wait") -> float:
    """``30s``, ``10m`` or a number as seconds; 0 for None.

    Raises:
        UsageError: it is no duration.
    """
    if text is None:
        return 0.0
    from pipeline.kit.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def check_trigger(name: str) -> str:
    """The name itself.

    Raises:
        UsageError: it is no word.
    """
    if re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
        return name
    raise UsageError("--trigger takes a word such as `cli` or `webhook`")


def check_run_id(text: str | None) -> str | None:
    """The id itself.

    Raises:
        UsageError: it is not formed as ids of runs are, so that it would not sort among them.
    """
    if text is None or re.fullmatch(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{4,12}", text):
        return text
    raise UsageError("--run-id takes an id such as 20260101T120000-1a2b")
