"""``registry``: the one on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.app import command, group
from pipeline.cli.keep import tell
from pipeline.cli.options import asked
from pipeline.errors import Exit

registry = group("registry", "A registry on this machine.", "dockcycle registry up")
LIMIT = 300.0
"""Seconds; its image may have to be pulled."""


@command(registry, "up", "", "dockcycle registry up", "dockcycle registry up --port 5005")
def up(
    ctx: typer.Context,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="PORT", min=1, max=65535, help="Where on loopback."),
    ] = None,
) -> int:
    """Start it, as `push` with `to: [local]` does."""
    from pipeline.app.signals import signals_to
    from pipeline.cli.output import print_line
    from pipeline.kit.local_registry import local_registry
    from pipeline.runner import Unrecorded
    from pipeline.scope import Scope

    scope = Scope(LIMIT, what="starting the registry")
    with signals_to(scope):
        ports = asked(ctx).workspace.ports
        print_line(local_registry(ports, Unrecorded(), port=port, scope=scope, tell=tell))
    return Exit.OK


@command(registry, "down", "", "dockcycle registry down")
def down(
    ctx: typer.Context,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Also the images that are in it.")
    ] = False,
) -> int:
    """Remove it; what was pushed to it stays for the next one."""
    from pipeline.cli.output import print_line
    from pipeline.kit.local_registry import remove_local_registry

    for line in remove_local_registry(asked(ctx).workspace.ports.engine, data=volumes):
        print_line(f"removed {line}")
    return Exit.OK
