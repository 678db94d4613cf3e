"""What serves after a run that did not pass: what its reader asks first."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from pipeline.app.status import ServiceStatus, Status, statuses
from pipeline.app.workspace import Workspace
from pipeline.errors import Cancelled, DockcycleError
from pipeline.events import Serving

LIMIT = 3.0
"""Seconds in which an engine that works has long answered."""
INTERRUPTED_LIMIT = 0.7
"""The same after Ctrl-C, when somebody waits for the end."""


def standing(workspace: Workspace, error: Exception) -> Serving | None:
    """What the engine that serves says after a run that ended with ``error``; None when it does not
    say so in time."""
    found: list[Serving] = []

    def ask() -> None:
        try:
            found.append(_serving(_worst(statuses(workspace))))
        except DockcycleError:
            return  # an engine that cannot be asked is the very failure of the run, or told by it

    # A daemon, since a frozen engine must not keep the run from ending.
    thread = threading.Thread(target=ask, name="what serves", daemon=True)
    thread.start()
    thread.join(INTERRUPTED_LIMIT if isinstance(error, Cancelled) else LIMIT)
    return found[0] if found else None


def _worst(found: Sequence[Status]) -> Status:
    """Of several engines' the first that is not live."""
    return next((now for now in found if now.state != "live"), found[0])


def _serving(now: Status) -> Serving:
    trouble = ""
    if now.state == "degraded":
        ill = [text for service in now.services if (text := _trouble(service))]
        trouble = ", ".join(ill) or "its container is gone"
    return Serving(state=now.state, release=now.release, url=now.url, trouble=trouble)


def _trouble(service: ServiceStatus) -> str:
    if service.state != "running":
        return f"{service.service} is {service.state}"
    if service.health == "unhealthy":
        return f"{service.service} is unhealthy"
    return f"{service.service} {service.drift}" if service.drift else ""
