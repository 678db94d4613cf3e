"""The lines of a run as rich text: pure functions of a ``RunView``, a time and a size."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from pipeline.render.view import RunView, StageView
from pipeline.render.words import WORDS, Glyphs, State, short_path, took

WIDEST = 100
"""Columns: wider lines are hard to read, and the time would stand far from its stage."""
REMARKS = 3
"""Warnings shown per stage; the record has all of them."""
STYLES: dict[State, str] = {
    "waiting": "dim", "running": "cyan", "passed": "green", "failed": "bold red",
    "skipped": "dim", "reused": "blue", "cancelled": "yellow", "allowed_failure": "yellow",
}  # fmt: skip
LINE_STYLES = {
    "log": "dim", "step": "", "info": "dim", "warning": "yellow", "error": "red", "passed": "green",
    "failed": "red", "allowed_failure": "yellow",
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How much room there is, and which signs to use. ``beat`` counts up with time."""

    glyphs: Glyphs
    width: int
    height: int
    now: float
    beat: int = 0


def frame(view: RunView, look: Look) -> list[Text]:
    """The whole picture: a heading, a line per stage, and below those that run their output.

    Never more than ``look.height`` lines and ``look.width`` columns. When there is too little
    room output goes first, then warnings, then the stages that are farthest from those that run.
    """
    stages = [[stage_line(view, stage, look)] for stage in view.stages.values()]
    fixed = [heading(view, look), Text("")]
    room = look.height - len(fixed) - len(stages)
    remarks = [remark_lines(stage, look) for stage in view.stages.values()]
    if sum(map(len, remarks)) <= room:
        room -= sum(map(len, remarks))
        for lines, more in zip(stages, remarks, strict=True):
            lines.extend(more)
    tails = _tails(view, look, room)
    for lines, stage in zip(stages, view.stages.values(), strict=True):
        lines.extend(tails.get(stage.key, []))
    body = [line for lines in stages for line in lines]
    return [*fixed, *_window(view, body, look)] if room < 0 else [*fixed, *body]


def heading(view: RunView, look: Look) -> Text:
    file = short_path(view.file)
    line = Text.assemble((view.project, "bold"), "  ", (file, "dim"), "  ", (view.run, "dim"))
    return fit(line, look.width)


def stage_line(view: RunView, stage: StageView, look: Look) -> Text:
    """``✓ build      passed   4f2c… 120 MB       12 s``; narrow terminals lose the middle."""
    style = STYLES[stage.state]
    names = max(map(cell_len, view.stages))
    beat = look.glyphs.spinner[look.beat % len(look.glyphs.spinner)]
    sign = beat if stage.state == "running" else look.glyphs.states[stage.state]
    line = Text.assemble(
        (f"{sign} ", style), (stage.key, "" if stage.state != "waiting" else "dim"),
        " " * (names - cell_len(stage.key) + 2),
    )  # fmt: skip
    time = _time(stage, look)
    state, text = WORDS[stage.state], _middle(stage)
    if look.width >= 60:
        line.append(f"{state:<11}", style if stage.state != "passed" else "dim green")
    middle = look.width - line.cell_len - cell_len(time) - 2
    if middle > 0 and text:
        quiet = stage.state in ("waiting", "reused", "skipped", "cancelled", "running")
        line.append_text(fit(Text(text, "dim" if quiet else ""), middle))
    if time:  # nothing but text: a terminal that gets narrower wraps trailing spaces too
        line.append(" " * max(1, look.width - line.cell_len - cell_len(time)))
        line.append(time, "dim")
    line.rstrip()
    return fit(line, look.width)


def remark_lines(stage: StageView, look: Look) -> list[Text]:
    """The stage's warnings, the first few."""
    shown = [f"! {text}" for text in stage.remarks[:REMARKS]]
    if (more := len(stage.remarks) - REMARKS) > 0:
        shown.append(f"! and {more} more")
    return [fit(Text.assemble("  ", (text, "yellow")), look.width) for text in shown]


def tail_lines(stage: StageView, look: Look, room: int) -> list[Text]:
    """The end of a running stage's output, at most ``room`` lines."""
    lines = []
    for kind, text in list(stage.tail)[-room:] if room > 0 else []:
        sign = {"passed": "✓ ", "failed": "✗ ", "allowed_failure": "! "}.get(kind, "")
        bar = (look.glyphs.bar, "dim")
        line = Text.assemble("  ", bar, " ", (sign + text, LINE_STYLES[kind]))
        lines.append(fit(line, look.width))
    return lines


def fit(text: Text, width: int) -> Text:
    """One line of at most ``width`` cells."""
    text.no_wrap = True
    text.truncate(max(width, 1), overflow="ellipsis")
    return text


def _tails(view: RunView, look: Look, room: int) -> dict[str, list[Text]]:
    """Room for output, shared fairly among the stages that run."""
    running = view.running()
    share = max(0, room) // max(1, len(running))
    return {stage.key: tail_lines(stage, look, share) for stage in running}


def _window(view: RunView, body: list[Text], look: Look) -> list[Text]:
    """As many stage lines as fit, those around the first one that runs."""
    room = max(1, look.height - 2)
    keys = list(view.stages)
    running = next((keys.index(s.key) for s in view.running()), len(keys) - 1)
    first = max(0, min(running - room // 2, len(body) - room))
    return body[first : first + room]


def _time(stage: StageView, look: Look) -> str:
    if stage.state == "running":
        return took(max(0.0, look.now - stage.started))
    return took(stage.seconds) if stage.seconds else ""


def _middle(stage: StageView) -> str:
    """What there is to say about a stage in its line."""
    match stage.state:
        case "running":
            return stage.doing
        case "reused":
            return stage.summary or stage.reason
        case "skipped":
            return stage.reason
        case "cancelled":
            return ""
        case "failed" | "allowed_failure":
            return stage.error.message.splitlines()[0] if stage.error else ""
    return stage.summary
