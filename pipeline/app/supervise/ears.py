"""Listening to an engine, through its absences."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from pipeline.errors import Cancelled, DeadlineExceeded, DockcycleError
from pipeline.kit.labels import PROJECT, ROLE
from pipeline.ports import Engine
from pipeline.ports.engine import ContainerEvent
from pipeline.scope import Scope

REPLAY = 3600.0
"""Seconds of the past that the engine is asked about at first."""
HEAR = 1.0
"""Seconds in which what it says of the past has come."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
"""Seconds between two attempts to reach an engine that is gone."""


@dataclass(frozen=True)
class Back:
    """The engine answers."""


@dataclass(frozen=True)
class Gone:
    """It does not."""

    error: DockcycleError


Heard = ContainerEvent | Back | Gone


def listen(engine: Engine, put: Callable[[Heard], None], scope: Scope) -> threading.Thread:
    """Give ``put`` what the engine says, from a thread, until the scope ends."""
    arguments = (engine, put, scope)
    thread = threading.Thread(target=_until_the_end, args=arguments, name="events", daemon=True)
    thread.start()
    return thread


def past(engine: Engine, scope: Scope) -> Iterator[ContainerEvent]:
    """What the engine still knows of the last hour."""
    try:
        yield from engine.events({PROJECT: ""}, since=time.time() - REPLAY, scope=scope.child(HEAR))
    except DeadlineExceeded:
        scope.check()


def _until_the_end(engine: Engine, put: Callable[[Heard], None], scope: Scope) -> None:
    with suppress(Cancelled, DeadlineExceeded):
        _listen(engine, put, scope)


def _listen(engine: Engine, put: Callable[[Heard], None], scope: Scope) -> NoReturn:
    since, pause = time.time() - REPLAY, FIRST_PAUSE
    while True:
        try:
            engine.volumes({PROJECT: "", ROLE: "note"})  # does it answer?
            put(Back())
            pause = FIRST_PAUSE
            for event in engine.events({PROJECT: ""}, since=since, scope=scope):
                since = max(since, event.at)
                put(event)
        except DockcycleError as error:
            scope.check()
            put(Gone(error))
        scope.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
