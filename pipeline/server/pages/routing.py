"""Which address leads where, and what is said when something cannot be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pipeline.errors import DockcycleError, NotFound, Unusable, UsageError
from pipeline.server.pages import api, forms, metrics, views
from pipeline.server.pages.badge import badge
from pipeline.server.pages.rendering import STATIC

YEAR = 31_536_000
Handler = Callable[[Request, Any], Awaitable[Response]]


class Static(StaticFiles):
    """Files whose addresses change with them, so that nobody asks twice."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        return answer


def page_routes() -> list[BaseRoute]:
    """All that people and programs look at; the application needs a ``Board`` at
    ``app.state.board``."""
    project, release = "/p/{project}", "/p/{project}/rollback/{release}"
    a_run = "/p/{project}/runs/{run}"
    return [
        Route("/", views.overview),
        Route("/login", forms.login_form, methods=["GET"]),
        Route("/login", forms.login, methods=["POST"]),
        Route("/logout", forms.logout, methods=["POST"]),
        Route(project, views.project),
        Route(f"{project}/run", forms.run, methods=["POST"]),
        Route(release, forms.rollback_form, methods=["GET"]),
        Route(release, forms.rollback, methods=["POST"]),
        Route(a_run, views.run),
        Route(f"{a_run}/stream", views.run_stream),
        Route(f"{a_run}/log.txt", views.run_log),
        Route(f"{a_run}/cancel", forms.cancel, methods=["POST"]),
        Route("/badge/{project}.svg", badge),
        Route("/metrics", metrics.metrics),
        *api.routes(),
        Mount("/static", Static(directory=STATIC), name="static"),
    ]


def problems() -> Mapping[Any, Handler]:
    """What is answered when a handler raises."""
    return {HTTPException: _refused, DockcycleError: _failed}


async def _refused(request: Request, error: HTTPException) -> Response:
    detail = error.detail if error.status_code != 404 else "There is nothing here."
    return _say(request, error.status_code, detail, "", dict(error.headers or {}))


async def _failed(request: Request, error: DockcycleError) -> Response:
    status = 409
    match error:
        case NotFound():
            status = 404
        case UsageError():
            status = 400
        case Unusable():
            status = 503
    return _say(request, status, error.message, error.hint, {})


def _say(
    request: Request, status: int, message: str, hint: str, headers: dict[str, str]
) -> Response:
    if request.url.path.startswith(("/api/", "/hooks/", "/metrics")):
        body = {"error": {"message": message, "hint": hint}}
        return JSONResponse(body, status, headers=headers)
    answer = views.page(request, "problem.html", status, message=message, hint=hint, code=status)
    answer.headers.update(headers)
    return answer
