"""The pages that people look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse

from pipeline.events import Event
from pipeline.render.stored import parse
from pipeline.server.pages.board import Board, board_of
from pipeline.server.pages.facts import facts_of
from pipeline.server.pages.items import RunItem, Wanted, runs_of
from pipeline.server.pages.log import collect
from pipeline.server.pages.rendering import render
from pipeline.server.pages.stream import Follower, follow
from pipeline.store import RunRecord

PAGE = 25
"""Runs on a page of the history."""
STATUSES = ("running", "passed", "failed", "interrupted", "lost")


def page(request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """A page with its frame: who is logged in, and where."""
    board = board_of(request)
    text = render(
        template, session=board.door.session(request), can_act=board.door.exists,
        here=request.url.path, now=board.clock(), **values,
    )  # fmt: skip
    return HTMLResponse(text, status)


async def overview(request: Request) -> Response:
    """All projects."""
    board = board_of(request)
    standings = await board.health.all(list(board.projects))
    latest = await run_in_threadpool(_latest, board)
    return page(
        request, "overview.html", projects=board.projects, standings=standings, latest=latest
    )


def _latest(board: Board) -> dict[str, RunItem | None]:
    found: dict[str, RunItem | None] = {}
    for name in board.projects:
        runs = runs_of(board.store, name, Wanted(), 1)
        found[name] = runs[0] if runs else None
    return found


async def project(request: Request) -> Response:
    """One project: what is live, its releases, its runs."""
    board = board_of(request)
    listed = board.project(request.path_params["project"])
    wanted = wanted_of(request.query_params)
    standing = await board.health.of(listed.name)
    runs = await run_in_threadpool(runs_of, board.store, listed.name, wanted, PAGE + 1)
    recent = await run_in_threadpool(runs_of, board.store, listed.name, Wanted(), 1)
    waiting = await run_in_threadpool(board.actions.waiting, listed.name)
    triggers = await run_in_threadpool(_triggers, board, listed.name)
    return page(
        request, "project.html", project=listed, standing=standing, runs=runs[:PAGE],
        more=len(runs) > PAGE, wanted=wanted, latest=recent[0] if recent else None,
        waiting=waiting, statuses=STATUSES, triggers=triggers,
        done=request.query_params.get("done", ""),
    )  # fmt: skip


def _triggers(board: Board, project: str) -> list[str]:
    """Those that the project's runs have."""
    return sorted({trigger for of, _, trigger in board.store.tally() if of == project})


def wanted_of(params: Mapping[str, str]) -> Wanted:
    """The filters of a query."""
    names = ("status", "branch", "trigger", "before")
    return Wanted(**{name: params.get(name, "")[:200] for name in names})


async def run(request: Request) -> Response:
    """One run: picture, log, results."""
    board = board_of(request)
    name, wanted = request.path_params["project"], request.path_params["run"]
    values = await run_in_threadpool(_run_values, board, name, wanted)
    return page(request, "run.html", project=board.project(name), **values)


def _run_values(board: Board, project: str, name: str) -> dict[str, Any]:
    record = board.run(project, name)
    numbered = list(board.store.events(record.id))
    events = [parse(body) for _, body in numbered]
    return {
        "facts": facts_of(board.store, record, events, board.clock()),
        "logs": collect(events, [step["key"] for step in record.plan]),
        "seen": numbered[-1][0] if numbered else 0,
        "done": "",
    }


async def run_stream(request: Request) -> Response:
    """What happens in a run, as it happens (server-sent events)."""
    board = board_of(request)
    name = request.path_params["project"]
    record = await run_in_threadpool(board.run, name, request.path_params["run"])
    session = board.door.session(request)
    values = {"project": board.project(name), "session": session, "can_act": board.door.exists}
    follower = Follower(
        board.store, record.id, resume_after(request),
        lambda facts: render("_run_live.html", facts=facts, now=board.clock(), **values),
        board.clock,
    )  # fmt: skip
    return event_stream(follower)


def event_stream(follower: Follower) -> StreamingResponse:
    return StreamingResponse(
        follow(follower.read, lambda: follower.done),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


def resume_after(request: Request) -> int:
    """The number of the last event that the reader has."""
    text = request.headers.get("last-event-id") or request.query_params.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


async def run_log(request: Request) -> Response:
    """The whole log of a run, as plain text."""
    board = board_of(request)
    name, wanted = request.path_params["project"], request.path_params["run"]
    text = await run_in_threadpool(_log_text, board, name, wanted)
    return PlainTextResponse(text)


def _log_text(board: Board, project: str, name: str) -> str:
    import io

    from pipeline.render.plain import PlainRenderer

    record = board.run(project, name)
    out = io.StringIO()
    renderer = PlainRenderer(out)
    for event in events_of(board, record):
        renderer(event)
    renderer.close()
    return out.getvalue()


def events_of(board: Board, record: RunRecord) -> list[Event]:
    return [parse(body) for _, body in board.store.events(record.id)]
