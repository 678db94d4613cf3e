"""What a fake container does while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.adapters.fake.files import FakeFile
from pipeline.ports.engine import ExecResult
from pipeline.ports.http import HttpRequest, HttpResponse

Answer = HttpResponse | Callable[[HttpRequest], HttpResponse]


@dataclass(frozen=True)
class Program:
    """One that serves for ever and says nothing, unless told otherwise."""

    log: tuple[str, ...] = ()
    """Lines that it prints when it starts."""
    exits: int | None = None
    """The code that it ends with at once; None runs on."""
    unhealthy_for: float = 0
    """Looks at it that find it ``starting``; ``inf`` makes it ``unhealthy`` for good."""
    answer: Answer | None = None
    """To HTTP on any of its ports; None refuses connections."""
    commands: Mapping[tuple[str, ...], ExecResult] = field(default_factory=dict)
    """What ``exec`` of an argv gives; any other is a success without output."""
    files: Mapping[str, FakeFile | None] = field(default_factory=dict)
    """What it writes, or (None) removes, when it starts."""
    health_says: str = ""
    """What its health check prints."""


def says(body: str, status: int = 200, seconds: float = 0.01) -> HttpResponse:
    """An HTTP answer with a text body."""
    return HttpResponse(
        status=status, headers={"content-type": "text/plain"}, body=body.encode(), seconds=seconds
    )
