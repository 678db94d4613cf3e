"""``serve``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipeline.cli.app import WORK, app, command
from pipeline.cli.options import asked
from pipeline.errors import Exit, UsageError
from pipeline.kit.text import sanitize

FILE = "serve.yml"


@command(
    app, "serve", WORK,
    "dockcycle serve", "dockcycle serve --config /etc/dockcycle/serve.yml",
    "dockcycle serve --check",
)  # fmt: skip
def serve(
    ctx: typer.Context,
    config: Annotated[
        str, typer.Option("--config", metavar="FILE", help="What to serve (serve.yml).")
    ] = FILE,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the file and its secrets.")
    ] = False,
) -> int:
    """Run pipelines when code is pushed: take webhooks, and show a page.

    Ends with Ctrl-C or SIGTERM; a run that is under way is ended cleanly, and made up later.
    """
    from pipeline.server.loading import load
    from pipeline.server.state import State

    workspace = asked(ctx).workspace
    file = (workspace.request.directory / config).absolute()
    if not file.exists():
        raise UsageError(f"there is no file {config}", hint="docs/serve.md shows a first one.")
    state = State(load(file, workspace.request.environ), workspace.masker, _tell)
    if check:
        state.check()
        sys.stdout.write(f"{file.name} is valid: {', '.join(state.projects)}\n")
        return Exit.OK
    from pipeline.server.serving import serve as run

    run(state)
    return Exit.OK


def _tell(line: str) -> None:
    sys.stderr.write(f"{sanitize(line)}\n")
    sys.stderr.flush()
