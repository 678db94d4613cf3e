"""How a project stands, shown once or as it changes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from pipeline.app.status import ServiceStatus, Status
from pipeline.cli.output import ago, console, grid, print_rich, table
from pipeline.errors import EngineUnavailable
from pipeline.kit.text import sanitize
from pipeline.scope import Scope

INTERVAL = 2.0
"""Seconds between two looks."""
COLUMNS = ("service", "state", "health", "since", "restarts", "image", "ports")


def show(found: Sequence[Status]) -> None:
    """As text, of one engine after the other."""
    for at, one in enumerate(found):
        if at:
            sys.stdout.write("\n")
        print_rich(view(one))


def view(found: Status) -> RenderableType:
    """The project, its services, and what a supervisor has to say of them."""
    fields = grid(
        [
            ("Project", found.project),
            ("Engine", found.engine),
            ("State", found.state),
            ("Trouble", found.trouble),
            ("Release", found.release),
            ("URL", found.url),
            ("Commit", found.commit),
            ("Since", ago(found.since) if found.since else ""),
            *(("Digest", digest) for digest in found.digests),
            ("Kept", " ".join(found.releases)),
            ("Running", found.running),
        ]
    )
    parts: list[RenderableType] = [fields]
    if found.services:
        parts += ["", table(COLUMNS, [_row(one) for one in found.services])]
    for service in found.services:
        if service.trouble:
            parts += ["", Text(sanitize(f"{service.service}: {service.trouble}"))]
    return Group(*parts)


def _row(service: ServiceStatus) -> tuple[str, ...]:
    return (
        service.service,
        service.state,
        _health(service),
        ago(service.since) if service.since else "",
        str(service.restarts),
        service.image[7:19],
        " ".join([*service.ports, service.drift]).strip(),
    )


def _health(service: ServiceStatus) -> str:
    """Of what has ended the engine keeps the last one, which says nothing now."""
    return service.health if service.state == "running" and service.health != "none" else ""


def watch(look: Callable[[], Status], scope: Scope, *, as_json: bool, live: bool) -> None:
    """Show it until the scope ends: in place if ``live``, else again whenever it has changed. An
    engine that goes away is waited for.

    Raises:
        Cancelled: the scope was cancelled.
    """
    if live and not as_json:
        with Live(console=console(), auto_refresh=False) as picture:
            _each(look, scope, lambda now: picture.update(_view(now), refresh=True))
        return
    last: list[Status | EngineUnavailable] = []

    def changed(now: Status | EngineUnavailable) -> None:
        if not last or str(now) != str(last[-1]):
            _print(now, as_json=as_json)
        last[:] = [now]

    _each(look, scope, changed)


def _each(
    look: Callable[[], Status], scope: Scope, tell: Callable[[Status | EngineUnavailable], None]
) -> None:
    while True:
        try:
            tell(look())
        except EngineUnavailable as error:
            tell(error)
        scope.sleep(INTERVAL)


def _view(now: Status | EngineUnavailable) -> RenderableType:
    return view(now) if isinstance(now, Status) else Text(sanitize(now.message), "red")


def _print(now: Status | EngineUnavailable, *, as_json: bool) -> None:
    if as_json:
        known = asdict(now) if isinstance(now, Status) else {"error": now.message}
        sys.stdout.write(json.dumps(known) + "\n")
    else:
        print_rich(_view(now))
        sys.stdout.write("\n")
    sys.stdout.flush()
