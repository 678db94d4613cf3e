"""What is asked of an app when pipeline.yml says nothing."""

from __future__ import annotations

from pipeline.artifacts import App
from pipeline.kit.checks.models import (
    BaseCheck,
    CompletedCheck,
    HealthyCheck,
    HttpCheck,
    HttpExpect,
    RunningCheck,
)
from pipeline.ports import Engine

STAYS_UP = 3.0
"""Seconds that a container without anything to ask has to stay up."""


def default_checks(app: App, engine: Engine) -> tuple[BaseCheck, ...]:
    """One check for each service: the main one answers ``GET /`` with less than 500; one-shots
    have ended well; the others are healthy if Docker checks that, else they stay up."""
    return tuple(_default(app, service, engine) for service in app.services)


def _default(app: App, service: str, engine: Engine) -> BaseCheck:
    state = app.services[service]
    if state.one_shot:
        return CompletedCheck(completed=True, service=service)
    if service == app.main and state.endpoints:
        return HttpCheck(get="/", service=service, expect=HttpExpect(status=("2xx", "3xx", "4xx")))
    info = engine.inspect(state.container)
    if info is not None and info.health != "none":
        return HealthyCheck(healthy=True, service=service)
    return RunningCheck(running=STAYS_UP, service=service)
