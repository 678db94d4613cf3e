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
from pipeline.cli.supervise_install import as_container, as_unit, place
from pipeline.cli.words import seconds
from pipeline.errors import Exit, UsageError

if TYPE_CHECKING:
    from pipeline.app.supervise import Watch
    from pipeline.kit.supervision import Happening


@command(
    app, "supervise", KEEP,
    "dockcycle supervise", "dockcycle supervise --project hello --repairs 3 --within 5m",
    "dockcycle supervise --once", "dockcycle supervise --install",
    "dockcycle supervise --print --user", "dockcycle supervise --install --container",
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
    container: Annotated[
        bool, typer.Option("--container", help="With --install: as a container of the engine.")
    ] = False,
    image: Annotated[
        str | None, typer.Option("--image", metavar="NAME", help="With --container: its image.")
    ] = None,
    print_only: Annotated[
        bool, typer.Option("--print", help="Only print the unit, or the `docker run`.")
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

    for_good = install or print_only
    _require_sense(for_good, once=once, user=user, container=container, image=image)
    limits = Limits(
        repairs=repairs,
        within=seconds(within, "--within"),
        steady=seconds(steady, "--steady"),
    )
    watch = Watch(limits, tuple(project or ()), max(1.0, seconds(sweep, "--sweep")))
    if for_good:
        words = [f"--project={one}" for one in project or ()]
        given = {"repairs": repairs, "within": within, "steady": steady, "sweep": sweep}
        words += [f"--{name}={value}" for name, value in given.items() if _is_said(ctx, name)]
        if container:
            return as_container(words, image, user=user, install=install)
        return as_unit(words, user=user, install=install)
    return _once(asked(ctx), watch) if once else _for_ever(asked(ctx), watch)


def _require_sense(
    for_good: bool, *, once: bool, user: bool, container: bool, image: str | None
) -> None:
    if once and for_good:
        raise UsageError("--once does not go with --install or --print")
    if (user or container) and not for_good:
        raise UsageError(f"--{'user' if user else 'container'} goes with --install or --print")
    if image is not None and not container:
        raise UsageError("--image goes with --container")


def _is_said(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _once(here: Asked, watch: Watch) -> int:
    from pipeline.app.signals import signals_to
    from pipeline.app.supervise import Supervisor
    from pipeline.scope import Scope

    scope = Scope(what="supervise")
    with signals_to(scope):
        unwell = Supervisor(place(), watch, _Teller(here)).once(scope)
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
            Supervisor(place(), watch, _Teller(here)).run(scope)
    except Cancelled as end:
        return end.exit_code
    return Exit.OK


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
