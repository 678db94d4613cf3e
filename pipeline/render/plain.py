"""One line per event, prefixed by its stage: for logs of CI systems, files and ``grep``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from pipeline.events import (
    CheckFinished,
    Event,
    Notice,
    RunFinished,
    RunStarted,
    StageFinished,
    StageLog,
    StageProgress,
    StageStarted,
)
from pipeline.kit.text import sanitize
from pipeline.render.words import (
    OUTCOME,
    WORDS,
    check_text,
    failure_lines,
    glyphs_for,
    notice_text,
    progress_text,
    serving_text,
    short_path,
    step_text,
    took,
)

OWN = "dockcycle"
"""Prefix of lines that belong to no stage."""


class PlainRenderer:
    """Writes text without times of day, colours and control bytes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar = glyphs_for(stream).bar
        self._text = PlainText()

    def __call__(self, event: Event) -> None:
        for prefix, line in self._text.lines(event):
            self._stream.write(f"{prefix} {self._bar} {line}".rstrip() + "\n")
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


class PlainText:
    """An event as lines of (prefix, text); the prefix is padded to the longest of the run."""

    def __init__(self) -> None:
        self._width = len("dockerfile")
        self._reasons: dict[str, str] = {}
        self._at: dict[tuple[str, type[Event]], str] = {}
        """Stage, log or progress → the step or message that was told last."""

    def lines(self, event: Event) -> Iterator[tuple[str, str]]:
        if isinstance(event, RunStarted):
            self._width = max([self._width, *(len(stage.key) for stage in event.stages)])
            self._reasons = {stage.key: sanitize(stage.reason) for stage in event.stages}
        prefix = f"{sanitize(getattr(event, 'stage', '')) or OWN:<{self._width}}"
        for line in self._words(event):
            yield prefix, line

    def _words(self, event: Event) -> Iterator[str]:
        match event:
            case RunStarted():
                yield f"run {event.run} of {sanitize(event.project)} ({short_path(event.file)})"
            case StageStarted() if event.attempt > 1:
                yield f"started again, attempt {event.attempt}"
            case StageStarted():
                why = self._reasons.get(event.stage)
                yield f"started: {why}" if why else "started"
            case StageLog():
                # The step that a line belongs to is told when it changes.
                if event.step and self._is_news(event, event.step):
                    yield step_text(event.step)
                yield sanitize(event.line)
            case StageProgress():
                # A counter that counts up would fill the log.
                if self._is_news(event, event.message):
                    yield progress_text(event)
            case CheckFinished():
                yield f"check {'passed' if event.passed else 'failed'}: {check_text(event)}"
            case Notice():
                hint = f" ({sanitize(event.hint)})" if event.hint else ""
                level = "note" if event.level == "info" else event.level
                yield f"{level}: {notice_text(event)}{hint}"
            case StageFinished():
                yield from _stage_end(event)
            case RunFinished():
                yield from _run_end(event)

    def _is_news(self, event: StageLog | StageProgress, text: str) -> bool:
        """Progress between two lines of a step does not make the step news again."""
        key = event.stage, type(event)
        known = self._at.get(key) == text
        self._at[key] = text
        return not known


def _stage_end(event: StageFinished) -> Iterator[str]:
    word = WORDS[event.status]
    if event.status in ("reused", "skipped"):
        text = "; ".join(part for part in (event.reason, event.summary) if part)
        yield f"{word}: {sanitize(text)}" if text else word
    elif event.error is None:
        tail = f": {sanitize(event.summary)}" if event.summary else ""
        yield f"{word} in {took(event.seconds)}{tail}"
    else:
        yield f"{word} after {took(event.seconds)}: {sanitize(event.error.message)}"
        yield from (f"  {line}" for line in failure_lines(event.error))


def _run_end(event: RunFinished) -> Iterator[str]:
    for name in OUTCOME:
        if value := event.outcome.get(name):
            yield f"{name}: {sanitize(value)}"
    if serving := serving_text(event):
        yield f"live: {serving}"
    preposition = "in" if event.status == "passed" else "after"
    yield f"{event.status} {preposition} {took(event.seconds)}, exit code " + str(
        int(event.exit_code)
    )
