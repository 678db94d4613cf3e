"""The web application: its routes, and nothing that waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pipeline import __version__
from pipeline.server.acting import board_for
from pipeline.server.pages import SafeHeaders, page_routes, problems
from pipeline.server.state import State


def create_app(state: State) -> Starlette:
    """The application for ``state``, which it starts and stops; handlers find it at
    ``request.app.state.server``."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await to_thread.run_sync(state.start)
        try:
            yield
        finally:
            board.health.close()
            await to_thread.run_sync(state.stop)

    board = board_for(state)
    app = Starlette(
        routes=[*routes(state), *page_routes()],
        middleware=[Middleware(SafeHeaders)],
        exception_handlers=problems(),
        lifespan=lifespan,
    )
    app.state.server, app.state.board = state, board
    return app


def routes(state: State) -> list[BaseRoute]:
    """Everything that is answered."""

    async def hook(request: Request) -> Response:
        return await state.hooks(request)

    return [
        Route("/healthz", healthz),
        Route("/hooks/{project}", hook, methods=["POST"]),
    ]


def server_of(request: Request) -> State:
    """The server that a request came to."""
    found: State = request.app.state.server
    return found


async def healthz(request: Request) -> Response:
    """200 while deliveries are taken, 503 when they cannot be kept."""
    well = server_of(request).well
    body = {"status": "ok" if well else "unwell", "version": __version__}
    return JSONResponse(body, 200 if well else 503)
