"""Small stages for tests of the planner and the runner: they do what they are told and keep a log
of what was called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.artifacts import Artifact, CheckReport, GitRecord, PushedImages, Source
from pipeline.stage import Context, Stage, StageOptions

SOURCE = Source(path="/app", root="/app", content="c1", commit="a" * 40)
REPORT = CheckReport()
PUSHED = PushedImages(services={})
RECORD = GitRecord(commit="b" * 40)


@dataclass
class Log:
    """What was called, in order: ``run code``, ``cleanup push``, …"""

    lines: list[str] = field(default_factory=list)

    def of(self, word: str) -> list[str]:
        return [line.split()[1] for line in self.lines if line.startswith(f"{word} ")]


class Told(Stage[StageOptions]):
    """A stage that is told what it needs, makes and does."""

    name = "told"

    def __init__(
        self, log: Log, key: str, *, needs: Sequence[type[Artifact]] = (),
        wants: Sequence[type[Artifact]] = (), makes: Sequence[Artifact] = (),
        releases: bool = False, fingerprint: str | None = "f", valid: bool = True,
        scaffolding: bool = False, act: Callable[[Context], Any] = lambda ctx: None,
        tidy: Callable[[Context], Any] = lambda ctx: None,
        ahead: Callable[[Context], Any] = lambda ctx: None,
    ) -> None:  # fmt: skip
        super().__init__(StageOptions())
        self.log, self.key, self.products, self.act, self.tidy = log, key, makes, act, tidy
        self.ahead = ahead
        self.print, self.valid, self.scaffold = fingerprint, valid, scaffolding
        # Shadows the class attributes: every instance has a dataflow of its own.
        self.__dict__.update(
            needs=frozenset(needs), wants=frozenset(wants), releases=releases,
            makes=frozenset(type(artifact) for artifact in makes),
        )  # fmt: skip

    def run(self, ctx: Context) -> Sequence[Artifact]:
        self.log.lines.append(f"run {self.key}")
        self.act(ctx)
        return list(self.products)

    def fingerprint(self, ctx: Context) -> str | None:
        return self.print

    def still_valid(self, ctx: Context, artifacts: Sequence[Artifact]) -> bool:
        return self.valid

    def scaffolding(self, ctx: Context) -> bool:
        return self.scaffold

    def preflight(self, ctx: Context) -> None:
        self.ahead(ctx)

    def cleanup(self, ctx: Context) -> None:
        self.log.lines.append(f"cleanup {self.key}")
        self.tidy(ctx)

    def finish(self, ctx: Context) -> None:
        self.log.lines.append(f"finish {self.key}")
