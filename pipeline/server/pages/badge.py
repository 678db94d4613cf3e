"""A badge for a README: how a project stands, as a small picture."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from pipeline.server.pages.board import board_of
from pipeline.server.pages.health import Standing
from pipeline.server.pages.rendering import render

COLOURS = {"live": "#1a7f4b", "in place": "#1a7f4b", "degraded": "#b3261e", "stopped": "#8a6100"}
WIDE = frozenset("mwMW@%")
NARROW = frozenset("iIjlrtf.,:;|!'()[] ")


async def badge(request: Request) -> Response:
    """The state of what is live, as SVG."""
    board = board_of(request)
    name = board.project(request.path_params["project"]).name
    text = words(await board.health.of(name))
    state = text.partition(" ")[0] if not text.startswith("in place") else "in place"
    svg = render(
        "badge.svg", name=name, text=text, colour=COLOURS.get(state, "#5c6370"),
        left=width(name), right=width(text),
    )  # fmt: skip
    headers = {
        "Cache-Control": "no-cache, max-age=0", "Cross-Origin-Resource-Policy": "cross-origin"
    }  # fmt: skip
    return Response(svg, media_type="image/svg+xml", headers=headers)


def words(standing: Standing) -> str:
    """``live r12``."""
    release = standing.status.release if standing.status and not standing.problem else ""
    return f"{standing.state} {release}".strip()


def width(text: str) -> int:
    """About how many pixels a text takes with padding, at a size of 11."""
    units = sum(10 if c in WIDE else 4 if c in NARROW else 6.6 for c in text)
    return round(units) + 14
