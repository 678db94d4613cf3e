"""Templates and what they know: times, sizes, states, links that may be trusted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline import __version__
from pipeline.kit.text import human_bytes, human_duration, sanitize
from pipeline.render.words import UNICODE, WORDS, took

HERE = Path(__file__).parent
STATIC = HERE / "static"
_SCP = re.compile(r"(?:[\w.-]+@)?(github\.com|gitlab\.com|codeberg\.org|bitbucket\.org):(.+)")
_LONG = re.compile(r"\b(sha256:)?([0-9a-f]{12})[0-9a-f]{20,}\b")
_ROUND = 100.0


@cache
def environment() -> Environment:
    """Escapes everything that is not marked as safe."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "took": took, "bytes": human_bytes, "clean": sanitize, "short": short, "link": link,
        "iso": iso, "when": when, "sign": sign, "word": word, "arcs": arcs, "clock": clock,
        "shorten": shorten,
    }  # fmt: skip
    made.globals |= {"static": static, "version": __version__, "query": query,
                     "commit_url": commit_url}  # fmt: skip
    made.globals["ui"] = made.get_template("_macros.html").module
    return made


def render(template: str, **values: object) -> str:
    """A whole page, or a part of one."""
    return environment().get_template(template).render(**values)


@cache
def static(name: str) -> str:
    """The address of a static file; it changes with the file."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def short(text: str) -> str:
    """The beginning of a commit or of a digest."""
    return text.removeprefix("sha256:")[:12]


def shorten(text: str) -> str:
    """A text with the beginnings of all digests in it."""
    return _LONG.sub(r"\1\2…", sanitize(text))


def link(url: str) -> str:
    """The address if a browser may follow it, else nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname else ""


def commit_url(remote: str, commit: str) -> str:
    """Where a forge shows a commit; nothing if the remote is none that a browser can open."""
    if found := _SCP.fullmatch(remote):
        remote = f"https://{found[1]}/{found[2]}"
    base = link(remote).rstrip("/").removesuffix(".git")
    if not base or not re.fullmatch(r"[0-9a-f]{7,64}", commit):
        return ""
    word = "commits" if urlsplit(base).hostname == "bitbucket.org" else "commit"
    return f"{base}/{word}/{commit}"


def query(**values: str) -> str:
    """``?a=b`` of those that are not empty."""
    text = urlencode({name: value for name, value in values.items() if value})
    return f"?{text}" if text else ""


def iso(moment: float | str) -> str:
    """A Unix or ISO time as ``2026-11-24T07:45:00Z``."""
    if isinstance(moment, str):
        return moment
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


def when(moment: float | str, now: float) -> Markup:
    """How long ago, as an element that says the exact time and that the page keeps up to date."""
    at = moment if isinstance(moment, (int, float)) else _seconds(moment)
    if at is None:
        return Markup("<span>{}</span>").format(sanitize(str(moment)))
    ago = now - at
    text = "just now" if ago < 5 else f"{human_duration(ago)} ago"
    return Markup('<time datetime="{}" title="{} UTC" data-at="{}">{}</time>').format(
        iso(at), iso(at)[:-1].replace("T", " "), round(at), text
    )


def clock(moment: float) -> str:
    """Date and time in UTC."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"


def _seconds(moment: str) -> float | None:
    try:
        then = datetime.fromisoformat(moment[:26].rstrip("Z"))
    except ValueError:
        return None
    return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()


_SIGNS = {str(state): mark for state, mark in UNICODE.states.items()} | {
    "live": "●", "in place": "●", "stopped": "■", "degraded": "!", "absent": "–",
    "unknown": "?", "interrupted": "■", "lost": "?", "healthy": "✓", "unhealthy": "✗",
    "starting": "●", "exited (0)": "✓",
}  # fmt: skip
_WORDS = {str(state): said for state, said in WORDS.items()}


def sign(state: str) -> str:
    """The sign of a state, so that colour is never the only one to tell."""
    return _SIGNS.get(state, "·")


def word(state: str) -> str:
    return _WORDS.get(state, state)


def arcs(stages: Sequence[tuple[str, str]]) -> list[tuple[str, str, str, float]]:
    """(stage, state, dashes, offset) of the arcs of a ring with a circumference of 100."""
    stages = stages or [("", "waiting")] * 8
    count = len(stages)
    length = _ROUND / count
    gap = 3.4 if count > 1 else 0.0
    return [
        (key, state, f"{length - gap:.2f} {_ROUND - length + gap:.2f}",
         round(_ROUND / 4 - number * length - gap / 2, 2))
        for number, (key, state) in enumerate(stages)
    ]  # fmt: skip
