"""What a job leaves for GitHub: the step's summary page and its outputs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipeline.events import CheckFinished
from pipeline.kit.text import sanitize
from pipeline.render.view import RunView, StageView
from pipeline.render.words import OUTCOME, TITLES, WORDS, State, lines_of, place, serving_text, took

SIGNS: dict[State, str] = {
    "passed": "✅", "reused": "♻️", "skipped": "➖", "failed": "❌", "cancelled": "⏹️",
    "allowed_failure": "⚠️",
}  # fmt: skip


def summary(view: RunView) -> str:
    """The run as a page of Markdown."""
    return "\n".join(
        [*_heading(view), *_stages(view), *_failure(view), *_outcome(view), *_checks(view), ""]
    )


def outputs(view: RunView) -> dict[str, str]:
    """The step's outputs: ``run``, ``status`` and whatever the run came to."""
    if view.finished is None:
        return {}
    found = {"run": view.run, "status": view.finished.status}
    return found | {name: value for name in OUTCOME if (value := view.finished.outcome.get(name))}


def output_text(values: Mapping[str, str]) -> str:
    """The form of ``GITHUB_OUTPUT``, with a random delimiter that no value can guess."""
    blocks = []
    for name, value in values.items():
        delimiter = f"dockcycle_{secrets.token_hex(16)}"
        blocks.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    return "".join(blocks)


def append(file: str, text: str) -> None:
    """Raises ``OSError``."""
    with Path(file).open("a", encoding="utf-8", errors="replace") as handle:
        handle.write(text)


def cell(text: str) -> str:
    """Text that stands as itself in a table: nothing in it is Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]()<>#!~&$|])", r"\\\1", sanitize(text)).replace("\\|", "&#124;")


def code(text: str) -> str:
    """Text as inline code in a table; its own backticks are left out."""
    return f"`{sanitize(text).replace('`', '').replace('|', '¦')}`"


def fenced(text: str) -> Iterator[str]:
    """A block of code, its fence longer than any in the text."""
    lines = list(lines_of(text))
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}text", *lines, fence)


def _heading(view: RunView) -> Iterator[str]:
    end = view.finished
    status = "did not finish" if end is None else f"{end.status}, {took(end.seconds)}"
    yield f"### {cell(view.project)}: {status}"
    yield ""


def _stages(view: RunView) -> Iterator[str]:
    rows = [_stage_row(stage) for stage in view.stages.values()]
    yield from _table(("stage", "result", "what", "time"), rows)


def _stage_row(stage: StageView) -> tuple[str, ...]:
    what = stage.error.message if stage.error else stage.summary or stage.reason
    seconds = took(stage.seconds) if stage.seconds else ""
    result = f"{SIGNS.get(stage.state, '')} {WORDS[stage.state]}"
    return cell(stage.key), result, cell(what), seconds


def _failure(view: RunView) -> Iterator[str]:
    serving = serving_text(view.finished) if view.finished else ""
    if serving:
        yield f"Live: {cell(serving)}"
        yield ""
    stage = view.failed
    if stage is None or stage.error is None:
        return
    error = stage.error
    at = f" at {code(place(error.where))}" if error.where else ""
    yield f"**{cell(stage.key)} failed**{at}: {cell(error.message)}"
    yield ""
    if error.detail:
        yield from fenced(error.detail)
        yield ""
    if error.hint:
        yield f"Next: {cell(error.hint)}"
        yield ""


def _outcome(view: RunView) -> Iterator[str]:
    found = view.finished.outcome if view.finished else {}
    rows = [(TITLES[name], code(found[name])) for name in OUTCOME if found.get(name)]
    if found.get("url"):
        rows[0] = (TITLES["url"], cell(found["url"]))  # as text, GitHub makes a link of it
    yield from _table(("", ""), rows)


def _checks(view: RunView) -> Iterator[str]:
    rows = [
        (cell(stage.key), _check_sign(check), cell(check.check), cell(check.message),
         str(check.attempts), took(check.seconds))
        for stage in view.stages.values()
        for check in stage.checks
    ]  # fmt: skip
    yield from _table(("stage", "", "check", "answer", "attempts", "time"), rows)


def _check_sign(check: CheckFinished) -> str:
    return SIGNS["passed" if check.passed else "allowed_failure" if check.advisory else "failed"]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = list(rows)
    if rows:
        yield f"| {' | '.join(head)} |"
        yield f"|{' --- |' * len(head)}"
        yield from (f"| {' | '.join(row)} |" for row in rows)
        yield ""
