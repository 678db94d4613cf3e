"""Renderers: the same events as a live terminal, plain text, JSON Lines or GitHub commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol, TextIO, get_args

from pipeline.events import Event

Output = Literal["auto", "rich", "plain", "json", "github"]
OUTPUTS: tuple[Output, ...] = get_args(Output)


class Renderer(Protocol):
    """A sink that is closed at the end, also when no ``run_finished`` came."""

    def __call__(self, event: Event) -> None: ...

    def close(self) -> None:
        """Leave the terminal in order. Idempotent."""


def resolve(name: Output, stream: TextIO, environ: Mapping[str, str]) -> Output:
    """What ``auto`` means here: GitHub's runner, a terminal, or neither."""
    if name != "auto":
        return name
    if environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    capable = stream.isatty() and environ.get("TERM", "").lower() not in ("dumb", "unknown")
    return "rich" if capable else "plain"


def choose(name: Output, stream: TextIO, environ: Mapping[str, str]) -> Renderer:
    """The renderer for ``--output``. ``environ`` says about CI, ``TERM`` and ``NO_COLOR``."""
    match resolve(name, stream, environ):
        case "rich":
            from pipeline.render.rich_live import RichRenderer

            return RichRenderer(stream, environ)
        case "json":
            from pipeline.render.json_lines import JsonRenderer

            return JsonRenderer(stream)
        case "github":
            from pipeline.render.github import GitHubRenderer

            return GitHubRenderer(stream, environ)
        case _:
            from pipeline.render.plain import PlainRenderer

            return PlainRenderer(stream)
