"""The JSON API: one table of endpoints, from which come the routes and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pipeline.server.pages import shapes
from pipeline.server.pages.board import Board, board_of
from pipeline.server.pages.door import TooManyTries
from pipeline.server.pages.forms import chosen
from pipeline.server.pages.health import Standing
from pipeline.server.pages.items import RunItem, Wanted, runs_of, settled
from pipeline.server.pages.stream import Follower
from pipeline.server.pages.views import PAGE, event_stream, resume_after, wanted_of
from pipeline.store import RunRecord

MOST = 200
"""Runs of one answer."""
EVENTS = 5000
"""Events of one answer."""
LARGEST = 65_536


@dataclass(frozen=True)
class Endpoint:
    """``answer`` is the type of a good answer; ``body`` that of what is sent; ``query`` has name
    and meaning of each parameter."""

    method: str
    path: str
    handler: Callable[[Request], Awaitable[Response]]
    summary: str
    answer: Any
    status: int = 200
    body: Any = None
    query: tuple[tuple[str, str], ...] = ()
    streams: bool = False

    @property
    def acts(self) -> bool:
        """Does it need the token?"""
        return self.method == "POST"


async def projects(request: Request) -> Response:
    board = board_of(request)
    standings = await board.health.all(list(board.projects))
    items = [
        await run_in_threadpool(_project, board, name, standing)
        for name, standing in standings.items()
    ]
    return answer(shapes.Projects(items))


async def project(request: Request) -> Response:
    board = board_of(request)
    name = board.project(request.path_params["project"]).name
    standing = await board.health.of(name)
    return answer(await run_in_threadpool(_project, board, name, standing))


def _project(board: Board, name: str, standing: Standing) -> shapes.ProjectItem:
    latest = runs_of(board.store, name, Wanted(), 1)
    return shapes.ProjectItem(
        name=name,
        repository=board.projects[name].repository,
        state=standing.state,
        status=standing.status,
        problem=standing.problem,
        latest=latest[0] if latest else None,
    )


async def releases(request: Request) -> Response:
    board = board_of(request)
    standing = await board.health.of(board.project(request.path_params["project"]).name)
    live = standing.status.release if standing.status else ""
    found = [
        shapes.ReleaseItem(
            id=one.id, run=one.run, created=one.created, commit=one.commit, branch=one.branch,
            url=one.url, images=dict(one.images), digests=dict(one.digests), live=one.id == live,
        )
        for one in standing.releases
    ]  # fmt: skip
    return answer(shapes.Releases(found))


async def runs(request: Request) -> Response:
    board = board_of(request)
    name = board.project(request.path_params["project"]).name
    limit = _number(request, "limit", PAGE, MOST)
    wanted = wanted_of(request.query_params)
    found: list[RunItem] = await run_in_threadpool(runs_of, board.store, name, wanted, limit + 1)
    more = len(found) > limit
    return answer(shapes.Runs(found[:limit], found[limit - 1].id if more else None))


async def run(request: Request) -> Response:
    """The same record as `dockcycle show RUN --json` prints."""
    record, _ = await _record(request)
    whole = TypeAdapter(dict[str, Any]).dump_json(record.to_json())
    return Response(whole, media_type="application/json")


async def events(request: Request) -> Response:
    """As JSON, or as a stream for who accepts ``text/event-stream``."""
    board = board_of(request)
    record, status = await _record(request)
    after = resume_after(request)
    if "text/event-stream" in request.headers.get("accept", ""):
        return event_stream(Follower(board.store, record.id, after, None))
    numbered = await run_in_threadpool(lambda: list(board.store.events(record.id, after)))
    shown = [shapes.NumberedEvent(number, body) for number, body in numbered[:EVENTS]]
    finished = status != "running" and len(numbered) <= EVENTS
    return answer(shapes.Events(shown, shown[-1].number if shown else after, finished))


async def start(request: Request) -> Response:
    await authorised(request)
    board = board_of(request)
    name = board.project(request.path_params["project"]).name
    body = await body_of(request, shapes.Start)
    await run_in_threadpool(board.actions.run, name, body.branch)
    return answer(shapes.Accepted("run"), 202)


async def roll_back(request: Request) -> Response:
    await authorised(request)
    board = board_of(request)
    name = board.project(request.path_params["project"]).name
    body = await body_of(request, shapes.Rollback)
    target, _ = chosen(board, await board.health.of(name), body.release)
    await run_in_threadpool(board.actions.roll_back, name, target.id)
    board.health.forget(name)
    return answer(shapes.Accepted("rollback"), 202)


async def cancel(request: Request) -> Response:
    await authorised(request)
    record, _ = await _record(request)
    await run_in_threadpool(board_of(request).actions.cancel, record.project, record.id)
    return answer(shapes.Accepted("cancel"), 202)


async def authorised(request: Request) -> None:
    """Sessions of the page do not count here: a browser must not be led to act.

    Raises:
        HTTPException: 401 without the token, 429 after too many wrong ones.
    """
    try:
        if board_of(request).door.bearer(request):
            return
    except TooManyTries as error:
        raise HTTPException(
            429, "too many wrong tokens", {"Retry-After": f"{error.wait:.0f}"}
        ) from error
    raise HTTPException(
        401, "this needs the server's token as a bearer token", {"WWW-Authenticate": "Bearer"}
    )


Body = TypeVar("Body", bound=BaseModel)


async def body_of(request: Request, model: type[Body]) -> Body:
    """The checked JSON body; nothing is an empty one.

    Raises:
        HTTPException: 400 or 413.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise HTTPException(413, "the body is too large")
    try:
        return model.model_validate_json(bytes(body) or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "body"
        raise HTTPException(400, f"{place}: {first['msg']}") from error


async def _record(request: Request) -> tuple[RunRecord, str]:
    board, path = board_of(request), request.path_params
    return await run_in_threadpool(
        lambda: settled(board.store, board.run(path["project"], path["run"]))
    )


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= most):
        raise HTTPException(400, f"{name} is a number from 1 to {most}")
    return int(text)


def answer(value: object, status: int = 200) -> Response:
    """A value of ``shapes`` as JSON."""
    body = TypeAdapter(type(value)).dump_json(value)
    return Response(body, status, media_type="application/json")


async def document(request: Request) -> Response:
    """The OpenAPI document of all this."""
    from pipeline.server.pages.openapi import describe

    return Response(describe(board_of(request).url), media_type="application/json")


_PROJECT = "/api/projects/{project}"
_FILTERS = (
    ("status", "Only runs with this status."),
    ("branch", "Only runs of this branch."),
    ("trigger", "Only runs with this trigger, such as `webhook` or `cli`."),
    ("before", "Only runs older than the one with this id."),
    ("limit", f"How many at most (1 to {MOST})."),
)
ENDPOINTS = (
    Endpoint("GET", "/api/projects", projects, "All projects", shapes.Projects),
    Endpoint("GET", _PROJECT, project, "One project", shapes.ProjectItem),
    Endpoint("GET", f"{_PROJECT}/releases", releases, "Releases that can come back",
             shapes.Releases),
    Endpoint("GET", f"{_PROJECT}/runs", runs, "Runs, the newest first", shapes.Runs,
             query=_FILTERS),
    Endpoint("POST", f"{_PROJECT}/runs", start, "Run the pipeline", shapes.Accepted, 202,
             body=shapes.Start),
    Endpoint("GET", f"{_PROJECT}/runs/{{run}}", run, "The whole record of a run, or of `latest`",
             shapes.WholeRun),
    Endpoint("GET", f"{_PROJECT}/runs/{{run}}/events", events, "The events of a run, so far",
             shapes.Events, query=(("after", "Only events with a higher number."),), streams=True),
    Endpoint("POST", f"{_PROJECT}/runs/{{run}}/cancel", cancel, "End a run that is under way",
             shapes.Accepted, 202),
    Endpoint("POST", f"{_PROJECT}/rollback", roll_back, "Bring a release back", shapes.Accepted,
             202, body=shapes.Rollback),
)  # fmt: skip


def routes() -> list[BaseRoute]:
    return [
        *(Route(one.path, one.handler, methods=[one.method]) for one in ENDPOINTS),
        Route("/openapi.json", document),
    ]
