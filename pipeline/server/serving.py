"""Serving the application on an address until a signal ends it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from pipeline.errors import Locked, UsageError
from pipeline.scope import Scope
from pipeline.server.protocol import Protocol
from pipeline.server.state import State
from pipeline.server.web import create_app
from pipeline.store import ProjectLock

OPEN_ANSWERS = 5
"""Seconds that answers under way (live logs, say) get when the server ends."""
LOCK = ".serve"
"""No project can be called so."""


def serve(state: State) -> None:
    """Serve until SIGINT or SIGTERM, which then ends the process as it does without a handler.

    Raises:
        UsageError: the address cannot be listened at, or a secret is missing.
        Locked: another server has this state directory.
    """
    with _alone(state), _listening(state) as listener:
        state.check()
        host, port = listener.getsockname()[:2]
        state.log(f"dockcycle listens at http://{f'[{host}]' if ':' in host else host}:{port}")
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(state), log_config=None, access_log=False, server_header=False,
                timeout_graceful_shutdown=OPEN_ANSWERS, lifespan="on", http=Protocol,
                loop="uvloop", ws="none",
            )
        )  # fmt: skip
        server.run(sockets=[listener])


@contextmanager
def _alone(state: State) -> Iterator[None]:
    lock = ProjectLock(state.home, LOCK)
    try:
        with lock.hold("dockcycle serve", wait=0, scope=Scope(), on_wait=lambda _holder: None):
            yield
    except Locked:
        raise Locked(
            f"another server works in {state.home.path}: {lock.holder() or 'just starting'}",
            hint="Stop it first, or set DOCKCYCLE_HOME to another folder.",
        ) from None


@contextmanager
def _listening(state: State) -> Iterator[socket.socket]:
    host, port = state.settings.serve.address
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise UsageError(
            f"cannot listen at {state.settings.serve.listen}: {error.strerror or error}",
            hint="Is another server running there? `listen:` of serve.yml names the address.",
        ) from error
    with listener:
        yield listener
