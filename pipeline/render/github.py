"""For GitHub's runner: a group per stage, annotations, the step's summary and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, TextIO

from pipeline.errors import Location
from pipeline.events import Event, Notice, RunFinished, StageFinished, StageStarted
from pipeline.kit.text import sanitize
from pipeline.render import github_files
from pipeline.render.github_commands import CommandWriter, annotation, command
from pipeline.render.plain import PlainText
from pipeline.render.view import RunView

Entry = tuple[Literal["text", "command"], str]


class GitHubRenderer:
    """``environ`` has ``GITHUB_WORKSPACE``, ``GITHUB_STEP_SUMMARY`` and ``GITHUB_OUTPUT``."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._writer = CommandWriter(stream)
        self._groups = Groups(self._writer)
        self._workspace = Path(environ.get("GITHUB_WORKSPACE") or ".")
        self._files = environ
        self._view = RunView()
        self._text = PlainText()

    def __call__(self, event: Event) -> None:
        self._view.take(event)
        match event:
            case StageStarted() if not self._groups.is_open(event.stage):
                reason = self._view.stages[event.stage].reason
                title = f"{event.stage}: {reason}" if reason else event.stage
                self._groups.open(event.stage, title)
            case StageFinished():
                self._finish(event)
            case Notice() if event.level != "info":
                self._groups.put(event.stage, self._notice(event))
            case _:
                for _, line in self._text.lines(event):
                    self._groups.put(getattr(event, "stage", ""), ("text", line))
        if isinstance(event, RunFinished):
            self._leave_files()
        self._writer.flush()

    def close(self) -> None:
        """End the groups that are open: a run that never finished stays readable."""
        self._groups.close()
        self._writer.close()

    def _finish(self, event: StageFinished) -> None:
        first, *rest = (line for _, line in self._text.lines(event))
        if not self._groups.is_open(event.stage):
            self._groups.put(event.stage, ("text", f"{event.stage} {first}"))
            return
        self._groups.put(event.stage, ("text", first))
        # What went wrong stands below the group, which GitHub shows folded.
        below: list[Entry] = [("text", line) for line in rest]
        if error := event.error:
            level = "warning" if event.status == "allowed_failure" else "error"
            title = f"{event.stage} {event.status.split('_')[-1]}"
            below.append(self._annotation(level, title, error.message, error.hint, error.where))
        self._groups.end(event.stage, below)

    def _notice(self, event: Notice) -> Entry:
        title = " ".join(part for part in (event.stage, event.rule) if part)
        return self._annotation(event.level, title, event.message, event.hint, event.where)

    def _annotation(
        self, level: str, title: str, message: str, hint: str, where: Location | None
    ) -> Entry:
        text = "\n".join(sanitize(part) for part in (message, hint) if part)
        made = annotation(level, text, title=title, where=where, workspace=self._workspace)
        return "command", made

    def _leave_files(self) -> None:
        for variable, text in (
            ("GITHUB_STEP_SUMMARY", github_files.summary(self._view)),
            ("GITHUB_OUTPUT", github_files.output_text(github_files.outputs(self._view))),
        ):
            if file := self._files.get(variable):
                try:
                    github_files.append(file, text)
                except OSError as error:
                    reason = f"{variable} cannot be written: {error.strerror}"
                    self._writer.command(command("warning", reason))


class Groups:
    """Keeps the lines of stages apart. GitHub shows one group at a time, so of stages that run
    side by side one is written as it goes, and the others are held back until it has ended."""

    def __init__(self, writer: CommandWriter) -> None:
        self._writer = writer
        self._open: set[str] = set()
        self._live = ""
        self._held: dict[str, list[Entry]] = {}

    def is_open(self, key: str) -> bool:
        return key in self._open

    def open(self, key: str, title: str) -> None:
        self._open.add(key)
        if not self._live:
            self._live = key
        self.put(key, ("command", command("group", title)))

    def put(self, key: str, entry: Entry) -> None:
        if self._live in ("", key):
            self._write([entry])
        else:
            self._held.setdefault(key, []).append(entry)

    def end(self, key: str, below: Iterable[Entry] = ()) -> None:
        """End a group; ``below`` follows it."""
        self.put(key, ("command", "::endgroup::"))
        for entry in below:
            self.put(key, entry)
        self._open.discard(key)
        if key == self._live:
            self._live = ""
            self._release()

    def close(self) -> None:
        while self._open:
            self.end(self._live or next(iter(self._open)))

    def _release(self) -> None:
        """Write those that have ended whole; then the first that still runs goes live."""
        for key in [key for key in self._held if key not in self._open]:
            self._write(self._held.pop(key))
        if waiting := next(iter(self._held), None):
            self._live = waiting
            self._write(self._held.pop(waiting))

    def _write(self, entries: Iterable[Entry]) -> None:
        for kind, line in entries:
            if kind == "command":
                self._writer.command(line)
            else:
                self._writer.text(line)
