"""Logging in, and the forms that set something off."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.artifacts import Release
from pipeline.errors import NotFound
from pipeline.server.pages.board import Board, board_of
from pipeline.server.pages.door import COOKIE, TooManyTries, client_of, same_site
from pipeline.server.pages.health import Standing
from pipeline.server.pages.views import page

LARGEST = 16_384
"""Bytes of a form."""


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of a posted form.

    Raises:
        HTTPException: 413, it is larger than any of ours.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise HTTPException(413)
    return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=50))


async def login_form(request: Request) -> Response:
    return page(request, "login.html", next=own_path(request.query_params.get("next", "")),
                problem="")  # fmt: skip


async def login(request: Request) -> Response:
    """The token for a session."""
    door, fields = board_of(request).door, await fields_of(request)
    target = own_path(fields.get("next", ""))
    try:
        if same_site(request) and door.accepts(fields.get("token", ""), client_of(request)):
            answer = RedirectResponse(target, 303)
            door.let_in(answer, secure=request.url.scheme == "https")
            return answer
    except TooManyTries as error:
        told = f"Too many wrong tokens. Try again in {error.wait:.0f} seconds."
        refused = page(request, "login.html", 429, next=target, problem=told)
        refused.headers["Retry-After"] = f"{error.wait:.0f}"
        return refused
    return page(request, "login.html", 403, next=target, problem="That is not the token.")


async def logout(request: Request) -> Response:
    await own_fields(request)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def own_path(target: str) -> str:
    """A path of this server to go on to; never another server's address."""
    plain = target.startswith("/") and not target.startswith("//")
    return target if plain and "\\" not in target and target.isprintable() else "/"


async def own_fields(request: Request) -> dict[str, str]:
    """The fields of a form of ours, sent by someone who is logged in.

    Raises:
        HTTPException: 403, it is not.
    """
    door = board_of(request).door
    session = door.session(request)
    if session is None:
        raise HTTPException(403, "You are not logged in, so nothing was done.")
    fields = await fields_of(request)
    if not door.own_form(request, session, fields.get("csrf", "")):
        raise HTTPException(403, "This form is out of date, so nothing was done. Try again.")
    return fields


async def act(request: Request, project: str, what: str, action: Callable[[], None]) -> Response:
    """Set something off and go back to the project."""
    await run_in_threadpool(action)
    board_of(request).health.forget(project)
    return RedirectResponse(f"/p/{project}?{urlencode({'done': what})}", 303)


async def run(request: Request) -> Response:
    branch = (await own_fields(request)).get("branch", "")
    board = board_of(request)
    name = board.project(request.path_params["project"]).name
    return await act(request, name, "run", lambda: board.actions.run(name, branch))


async def cancel(request: Request) -> Response:
    await own_fields(request)
    board, name = board_of(request), request.path_params["project"]
    record = await run_in_threadpool(board.run, name, request.path_params["run"])
    return await act(request, name, "cancel", lambda: board.actions.cancel(name, record.id))


async def rollback_form(request: Request) -> Response:
    """What a rollback would change, and the button for it."""
    board = board_of(request)
    listed = board.project(request.path_params["project"])
    standing = await board.health.of(listed.name)
    target, current = chosen(board, standing, request.path_params["release"])
    return page(request, "rollback.html", project=listed, target=target, current=current)


async def rollback(request: Request) -> Response:
    await own_fields(request)
    board = board_of(request)
    name = board.project(request.path_params["project"]).name
    target, _ = chosen(board, await board.health.of(name), request.path_params["release"])
    return await act(request, name, "rollback", lambda: board.actions.roll_back(name, target.id))


def chosen(board: Board, standing: Standing, name: str) -> tuple[Release, Release | None]:
    """The release of that id, and the one in force.

    Raises:
        NotFound: it is not kept, or the engine does not say.
    """
    kept = {release.id: release for release in standing.releases}
    if name not in kept:
        raise NotFound(standing.problem or f"there is no release {name!r} that could come back")
    return kept[name], kept.get(standing.status.release) if standing.status else None
