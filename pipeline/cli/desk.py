"""What commands about Dockerfiles look at: those of the project, with a scope that Ctrl-C ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.app.drafted import Desk
    from pipeline.cli.options import Asked
    from pipeline.scope import Scope


@contextmanager
def desk(here: Asked, what: str) -> Iterator[tuple[Desk, Scope]]:
    """For as long as the command takes; ``what`` it does, for messages."""
    from pipeline.app.drafted import LIMIT
    from pipeline.app.signals import signals_to
    from pipeline.scope import Scope

    scope = Scope(LIMIT, what=what)
    with signals_to(scope):
        yield opened(here, scope), scope


def opened(here: Asked, scope: Scope) -> Desk:
    from pipeline.app.drafted import at_the_desk

    return at_the_desk(here.workspace, scope)
