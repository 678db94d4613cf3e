"""``supervise --install`` and ``--print``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.errors import EngineUnavailable, Exit

if TYPE_CHECKING:
    from pipeline.app.supervise import Place
    from pipeline.app.supervise.unit import Unit
    from pipeline.kit.supervision.box import Box

LIMIT = 600.0
"""Seconds; the image may have to be pulled."""


def place() -> Place:
    """This machine, and the engine that the docker command would use."""
    from pipeline.app import adapters
    from pipeline.app.supervise import Place
    from pipeline.store import Home

    environ = dict(os.environ)
    return Place(adapters.real_ports(environ), Home.find(environ), environ)


def as_unit(arguments: Sequence[str], *, user: bool, install: bool) -> int:
    """``arguments`` are those of the supervisor."""
    from pipeline.adapters.shell import LocalShell
    from pipeline.cli.output import print_line

    unit = _unit(arguments, user)
    if not install:
        sys.stdout.write(unit.text())
        return Exit.OK
    with suppress(EngineUnavailable):  # it may be there later
        place().give_way()
    for line in unit.install(LocalShell()):
        print_line(line)
    return Exit.OK


def as_container(arguments: Sequence[str], image: str | None, *, user: bool, install: bool) -> int:
    """``arguments`` are those of the supervisor; ``image`` None is the project's own."""
    from pipeline.adapters.docker.endpoint import find_endpoint
    from pipeline.app.supervise.container import IMAGE, is_there, values
    from pipeline.kit.supervision.box import Box, socket_of

    address, file = find_endpoint(os.environ).address, _unit((), user).variables
    if install:
        box = Box(arguments, socket_of(address), values(file))
        return _install(box, image or IMAGE, is_here=address.startswith("unix://"))
    box = Box(arguments, socket_of(address))
    sys.stdout.write(box.command(image or IMAGE, file if is_there(file) else None) + "\n")
    return Exit.OK


def _install(box: Box, image: str, *, is_here: bool) -> int:
    from pipeline.app.signals import signals_to
    from pipeline.app.supervise.container import Installation
    from pipeline.cli.output import print_line
    from pipeline.runner import Unrecorded
    from pipeline.scope import Scope

    scope, ports = Scope(LIMIT, what="installing the supervisor"), place().ports
    made = Installation(ports.engine, ports.credentials, ports.clock, Unrecorded(), print_line)
    with signals_to(scope):
        made.install(box, image, scope)
    for unit in (_unit((), user=False), _unit((), user=True)):
        if is_here and unit.file.is_file():
            print_line(f"{unit.file} gives way to it, again and again: {unit.ended}")
    return Exit.OK


def _unit(arguments: Sequence[str], user: bool) -> Unit:
    from pipeline.app.supervise.unit import Unit

    return Unit(arguments, dict(os.environ), user)
