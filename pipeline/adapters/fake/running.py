"""What runs in a fake engine's containers, and what it prints."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from pipeline.adapters.fake.containers import FakeContainers
from pipeline.adapters.fake.files import applied
from pipeline.adapters.fake.state import FakeContainer, matches, shown
from pipeline.errors import DockcycleError, EngineRefused
from pipeline.ports.engine import ContainerEvent, ContainerSpec, ExecResult, OnLine
from pipeline.scope import Scope

SLICE = 0.02
"""Seconds between two looks while waiting."""


class FakeRunning(FakeContainers):
    """The part of the port about running things to their end."""

    def logs(
        self, container: str, *, tail: int | None = None, follow: bool = False,
        since: float | None = None, scope: Scope,
    ) -> Iterator[str]:  # fmt: skip
        with self.state.lock:
            self.state.enter("logs")
            found = self._container(container)
            told = len(found.log)
            past = [line for at, line in found.log if since is None or at >= since]
        yield from past if tail is None else past[len(past) - tail :] if tail else []
        while follow:
            scope.check()
            with self.state.lock:
                new, over = found.log[told:], not found.running
                told += len(new)
                if not new and not over:
                    self.state.lock.wait(scope.remaining(SLICE))
            yield from (line for _, line in new)
            if over and not new:
                return

    # running things

    def exec(self, container: str, argv: Sequence[str], scope: Scope) -> ExecResult:
        scope.check()
        with self.state.lock:
            self.state.enter("exec", container, *argv)
            found = self._container(container)
            if not found.running:
                raise EngineRefused(f"container {container} is not running")
            program = self.state.programs.get(tuple(argv))
            if program is not None:
                return ExecResult(exit_code=program.exits or 0, output=shown(program.log))
            given = found.program.commands.get(tuple(argv))
            return given or self._coreutils(found, argv) or ExecResult(exit_code=0, output="")

    def _coreutils(self, container: FakeContainer, argv: Sequence[str]) -> ExecResult | None:
        """``ls`` of a folder, ``mv`` and ``rm`` of files and ``cat``, as every image has them."""
        files = container.files
        match list(argv):
            case ["ls", folder]:
                below = (path for path in sorted(files) if path.startswith(f"{folder}/"))
                return ExecResult(exit_code=0, output=shown([p.rpartition("/")[2] for p in below]))
            case ["mv", old, new] if old in files:
                container.files = applied(files, {old: None, new: files[old]})
                return ExecResult(exit_code=0, output="")
            case ["rm", "-f", *paths]:
                container.files = applied(files, dict.fromkeys(p for p in paths if p in files))
                return ExecResult(exit_code=0, output="")
            case ["cat", *paths] if all(path in files for path in paths):
                texts = (files[path].data.decode() for path in paths)
                return ExecResult(exit_code=0, output="".join(texts))
            case [("mv" | "cat") as name, path, *_]:
                return ExecResult(
                    exit_code=1, output=f"{name}: {path}: No such file or directory\n"
                )
        return None

    def wait(self, container: str, scope: Scope) -> int:
        with self.state.lock:
            self.state.enter("wait")
            found = self._container(container)
            while found.state in ("running", "restarting"):
                scope.check()
                self.state.lock.wait(scope.remaining(SLICE))
            return found.exit_code or 0

    def run_once(self, spec: ContainerSpec, on_line: OnLine, scope: Scope) -> ExecResult:
        scope.check()
        container = self.create(spec)
        try:
            self.start(container)
            lines = list(self.logs(container, follow=True, scope=scope))
            for line in lines:
                on_line(line)
            return ExecResult(exit_code=self.wait(container, scope), output=shown(lines))
        finally:
            with contextlib.suppress(DockcycleError):
                self.remove(container, volumes=True)

    # what happens

    def events(
        self, labels: Mapping[str, str], *, since: float | None = None, scope: Scope
    ) -> Iterator[ContainerEvent]:
        with self.state.lock:
            self.state.enter("events")
            told = len(self.state.events)
            if since is not None:
                told = sum(event.at < since for event in self.state.events)
        while True:
            scope.check()
            with self.state.lock:
                self.state.enter("events")
                new = self.state.events[told:]
                told += len(new)
                if not new:
                    self.state.lock.wait(scope.remaining(SLICE))
            yield from (event for event in new if matches(event.labels, labels))
