"""``supervise``."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import KEEP, app, command
from pipeline.cli.options import Asked, asked
from pipeline.cli.words import seconds
from pipeline.errors import Exit, UsageError

if TYPE_CHECKING:
    from pipeline.app.supervise import Place, Watch
    from pipeline.kit.supervision import Happening


@command(
    app, "supervise", KEEP,
    "dockcycle supervise", "dockcycle supervise --project hello --repairs 3 --within 5m",
    "dockcycle supervise --once", "dockcycle supervise --install",
    "dockcycle supervise --print --user",
)  # fmt: skip
def supervise(
    ctx: typer.Context,
    project: Annotated[
        list[str] | None,
        typer.Option("--project", metavar="NAME", help="Only this one; may be repeated."),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Look at everything once, repair it, and end.")
    ] = False,
    install: Annotated[
        bool, typer.Option("--install", help="Let systemd run it, now and at every start.")
    ] = False,
    user: Annotated[
        bool, typer.Option("--user", help="With --install: as a unit of your own.")
    ] = False,
    print_unit: Annotated[
        bool, typer.Option("--print", help="Print the unit that --install would write.")
    ] = False,
    repairs: Annotated[
        int, typer.Option("--repairs", metavar="N", min=1, help="Repairs of a service …")
    ] = 5,
    within: Annotated[
        str, typer.Option("--within", metavar="TIME", help="… at most in so long.")
    ] = "10m",
    steady: Annotated[
        str, typer.Option("--steady", metavar="TIME", help="Well for so long, it has recovered.")
    ] = "1m",
    sweep: Annotated[
        str, typer.Option("--sweep", metavar="TIME", help="Look at everything so often.")
    ] = "45s",
) -> int:
    """Keep every live release of this engine as it is recorded, until Ctrl-C.

    Needs no pipeline file. With --once, exit code 0 when all is well afterwards, else 1.
    """
    from pipeline.app.supervise import Watch
    from pipeline.kit.supervision import Limits

    if once and (install or print_unit):
        raise UsageError("--once does not go with --install or --print")
    if user and not (install or print_unit):
        raise UsageError("--user goes with --install or --print")
    limits = Limits(
        repairs=repairs,
        within=seconds(within, "--within"),
        steady=seconds(steady, "--steady"),
    )
    watch = Watch(limits, tuple(project or ()), max(1.0, seconds(sweep, "--sweep")))
    if install or print_unit:
        given = (("repairs", repairs, 5), ("within", within, "10m"), ("steady", steady, "1m"),
                 ("sweep", sweep, "45s"))  # fmt: skip
        words = [f"--{name}={value}" for name, value, usual in given if value != usual]
        return _unit([*(f"--project={one}" for one in project or ()), *words], user, install)
    return _once(asked(ctx), watch) if once else _for_ever(asked(ctx), watch)


def _unit(arguments: list[str], user: bool, install: bool) -> int:
    from pipeline.adapters.shell import LocalShell
    from pipeline.app.supervise.unit import Unit
    from pipeline.cli.output import print_line

    unit = Unit(arguments, dict(os.environ), user)
    if install:
        for line in unit.install(LocalShell()):
            print_line(line)
    else:
        sys.stdout.write(unit.text())
    return Exit.OK


def _once(here: Asked, watch: Watch) -> int:
    from pipeline.app.signals import signals_to
    from pipeline.app.supervise import Supervisor
    from pipeline.scope import Scope

    scope = Scope(what="supervise")
    with signals_to(scope):
        unwell = Supervisor(_place(), watch, _Teller(here)).once(scope)
    for service in unwell:
        sys.stderr.write(f"not well: {service}\n")
    return Exit.FAILED if unwell else Exit.OK


def _for_ever(here: Asked, watch: Watch) -> int:
    from pipeline.app.signals import signals_to
    from pipeline.app.supervise import Supervisor
    from pipeline.errors import Cancelled
    from pipeline.scope import Scope

    scope = Scope(what="supervise")
    try:
        with signals_to(scope):
            Supervisor(_place(), watch, _Teller(here)).run(scope)
    except Cancelled as end:
        return end.exit_code
    return Exit.OK


def _place() -> Place:
    from pipeline.app import adapters
    from pipeline.app.supervise import Place
    from pipeline.store import Home

    environ = dict(os.environ)
    return Place(adapters.real_ports(environ), Home.find(environ), environ)


class _Teller:
    """Lines with their time for people, JSON Lines for programs. The journal of systemd has times
    of its own."""

    def __init__(self, here: Asked) -> None:
        self._json = here.output == "json"
        self._timed = "JOURNAL_STREAM" not in os.environ

    def __call__(self, happening: Happening) -> None:
        from pipeline.cli.output import clock_time
        from pipeline.kit.text import sanitize

        if self._json:
            line = json.dumps(asdict(happening))
        else:
            line = f"{clock_time(happening.at)} " if self._timed else ""
            line += sanitize(str(happening))
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
