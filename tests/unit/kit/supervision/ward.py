"""A release under the eyes of a keeper, on a fake engine, with a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from pipeline.artifacts import Release
from pipeline.errors import Locked, UsageError
from pipeline.kit.releases import Site
from pipeline.kit.supervision import Happening, Keeper, Limits
from pipeline.kit.supervision.notes import Note, notes
from pipeline.ports.engine import ContainerInfo
from pipeline.scope import Scope
from tests.unit.kit.releases.site import Yard

LIMITS = Limits(repairs=3, within=100, first_pause=1, longest_pause=4, steady=20)


@dataclass
class Ward:
    """One project, its keeper, and all that it has told."""

    yard: Yard = field(default_factory=Yard)
    now: float = 1000.0
    told: list[Happening] = field(default_factory=list)
    locked: bool = False
    heard: int = 0
    keeper: Keeper = field(init=False)

    def __post_init__(self) -> None:
        self.restart_supervisor()

    def restart_supervisor(self) -> None:
        """As after ``kill -9`` of the supervisor: it knows nothing of before."""
        self.keeper = Keeper(
            self._site, LIMITS, locking=self._lock, tell=self.told.append, clock=lambda: self.now
        )
        self.heard = len(self.yard.engine.state.events)

    def _site(self, scope: Scope) -> Site:
        return replace(self.yard.site, scope=scope, expand=self._expand)

    def _expand(self, text: str) -> str:
        if "{secret:" in text:
            raise UsageError("the secret PW is not at hand")
        return text

    @contextmanager
    def _lock(self) -> Iterator[None]:
        if self.locked:
            raise Locked("a run is under way")
        yield

    def release(self, number: int = 1, **more: object) -> Release:
        """Put a version live."""
        release = self.yard.release(number, self.yard.image(str(number)))
        if more:
            release = release.model_copy(update={"spec": {**release.spec, **more}})
        self.yard.live(release)
        return release

    def tend(self, *, settled: bool = True) -> float:
        """Hear what has happened, look, and repair."""
        events = self.yard.engine.state.events
        self.keeper.hear(events[self.heard :])
        self.heard = len(events)
        return self.keeper.tend(Scope(10), settled=settled)

    def pass_time(self, seconds: float) -> None:
        """Tend as often as the keeper asks for, for so long."""
        end = self.now + seconds
        while True:
            again = self.tend()
            if self.now + again > end:
                self.now = end
                return
            self.now += max(again, 0.01)

    @property
    def kinds(self) -> list[str]:
        return [one.kind for one in self.told]

    @property
    def notes(self) -> dict[str, Note]:
        return notes(self.yard.engine, "hello")

    def container(self, release: Release) -> ContainerInfo:
        found = self.yard.engine.inspect(f"hello-{release.id}")
        assert found is not None
        return found
