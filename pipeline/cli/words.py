"""What people write on the command line, as values."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.complete import runs, stages
from pipeline.errors import UsageError

Wait = Annotated[
    str | None,
    typer.Option("--wait", metavar="TIME", help="Wait so long for a run that is under way."),
]
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
Run = Annotated[
    str,
    typer.Argument(metavar="[RUN]", autocompletion=runs, show_default=False,
                   help="Run id, a part of one, a release (r12) or `latest`, the default."),
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
