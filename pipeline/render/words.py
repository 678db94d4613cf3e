"""The words and signs that renderers share, so that a run reads the same in all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from pipeline.errors import Location
from pipeline.events import (
    CheckFinished,
    ErrorInfo,
    Notice,
    RunFinished,
    StageProgress,
    StageStatus,
)
from pipeline.kit.text import human_bytes, human_duration, sanitize

State = StageStatus | Literal["waiting", "running"]
WORDS: dict[State, str] = {
    "waiting": "waiting", "running": "running", "passed": "passed", "failed": "failed",
    "skipped": "skipped", "reused": "reused", "cancelled": "cancelled",
    "allowed_failure": "tolerated",
}  # fmt: skip
OUTCOME = ("url", "release", "image", "digest", "commit")
"""What a run may come to, in the order in which people look for it."""
TITLES = {"url": "URL"} | {name: name.capitalize() for name in OUTCOME[1:]}


@dataclass(frozen=True)
class Glyphs:
    """Signs for states, and the bar between a stage's name and its output."""

    states: dict[State, str]
    spinner: str
    bar: str

    def check(self, event: CheckFinished) -> str:
        if event.passed:
            return self.states["passed"]
        return self.states["allowed_failure" if event.advisory else "failed"]


UNICODE = Glyphs(
    states={"waiting": "·", "running": "●", "passed": "✓", "failed": "✗", "skipped": "–",
            "reused": "↺", "cancelled": "■", "allowed_failure": "!"},
    spinner="⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
    bar="│",
)  # fmt: skip
ASCII = Glyphs(
    states={"waiting": ".", "running": "*", "passed": "+", "failed": "x", "skipped": "-",
            "reused": "=", "cancelled": "#", "allowed_failure": "!"},
    spinner="|/-\\",
    bar="|",
)  # fmt: skip


def glyphs_for(stream: TextIO) -> Glyphs:
    """Those that the stream's encoding has."""
    try:
        (UNICODE.spinner + "".join(UNICODE.states.values())).encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def place(where: Location, base: Path | None = None) -> str:
    """``Dockerfile:7``, relative to ``base`` (the current directory) when it lies below it."""
    return str(Location(short_path(where.file, base), where.line, key=sanitize(where.key)))


def short_path(file: str, base: Path | None = None) -> str:
    """A path as a person here would write it, harmless."""
    path, start = Path(file), base or Path.cwd()
    return sanitize(str(path.relative_to(start)) if path.is_relative_to(start) else file)


def progress_text(event: StageProgress) -> str:
    """``pulling layers, 3 of 7``; sizes are shown as sizes."""
    message = sanitize(event.message)
    if event.done is None:
        return message
    if event.unit == "bytes":
        done, unit = human_bytes(event.done), ""
        total = "" if event.total is None else human_bytes(event.total)
    else:
        done, unit = str(event.done), f" {sanitize(event.unit)}" if event.unit else ""
        total = "" if event.total is None else str(event.total)
    return f"{message}, {done}{' of ' + total if total else ''}{unit}"


def took(seconds: float) -> str:
    """As ``human_duration``, but in milliseconds where that says more."""
    return f"{seconds * 1000:.0f} ms" if 0 < seconds < 0.0995 else human_duration(seconds)


def step_text(step: str) -> str:
    """A step on one line, without the gaps that continued lines leave."""
    return " ".join(sanitize(step).split())


def check_text(event: CheckFinished) -> str:
    """``greets the world (0.1 s)``; the reason and the number of tries where there are any."""
    facts = [took(event.seconds)]
    if event.attempts > 1:
        facts.append(f"{event.attempts} attempts")
    if event.advisory and not event.passed:
        facts.append("advisory")
    reason = f": {sanitize(event.message)}" if event.message and not event.passed else ""
    return f"{sanitize(event.check)}{reason} ({', '.join(facts)})"


def notice_text(event: Notice, base: Path | None = None) -> str:
    """``Dockerfile:7: pin versions [DL3008]``, without level and hint."""
    at = f"{place(event.where, base)}: " if event.where else ""
    rule = f" [{sanitize(event.rule)}]" if event.rule else ""
    return f"{at}{sanitize(event.message)}{rule}"


def serving_text(event: RunFinished) -> str:
    """``r4 still serves at http://localhost:8000``; empty where nothing is known."""
    serving = event.serving
    if serving is None:
        return ""
    release, at = sanitize(serving.release), f" at {sanitize(serving.url)}" if serving.url else ""
    still = "" if event.outcome.get("release") == serving.release else "still "
    match serving.state:
        case "live":
            return f"{release} {still}serves{at}"
        case "in place":
            return f"the version before {still}serves{at}"
        case "stopped":
            return f"{release} is stopped, as it was"
        case "degraded":
            return f"{release} should serve, but {sanitize(serving.trouble)}"
    return "nothing serves"


def lines_of(text: str) -> Iterator[str]:
    """The lines of a foreign text, each harmless."""
    text = text.strip("\r\n")
    return (sanitize(line) for line in text.split("\n")) if text else iter(())


def failure_lines(error: ErrorInfo, base: Path | None = None) -> Iterator[str]:
    """Place, evidence and next step of a failure; its message is told before."""
    if error.where:
        yield f"at {place(error.where, base)}"
    for line in lines_of(error.detail):
        yield f"> {line}"
    if error.hint:
        yield f"next: {sanitize(error.hint)}"
