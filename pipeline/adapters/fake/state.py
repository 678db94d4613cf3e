"""What a fake engine holds, and the failures it has been told to show."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from pipeline.adapters.fake.files import MINIMAL, Files
from pipeline.adapters.fake.program import Program
from pipeline.artifacts import Finding
from pipeline.errors import DockcycleError, EngineUnavailable
from pipeline.kit import references
from pipeline.ports.engine import (
    ContainerEvent,
    ContainerSpec,
    Happening,
    Health,
    NetworkInfo,
    Port,
    Settings,
    VolumeInfo,
)
from pipeline.ports.registry import Auth


@dataclass
class FakeImage:
    id: str
    created: str
    program: Program
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    health: Health | None = None
    user: str = ""
    digests: set[str] = field(default_factory=set)
    files: Files = field(default_factory=lambda: MINIMAL)
    settings: Settings = field(default_factory=Settings)


@dataclass
class FakeContainer:
    id: str
    name: str
    spec: ContainerSpec
    image: FakeImage
    program: Program
    created: str
    restart: str
    state: Literal["created", "running", "restarting", "exited"] = "created"
    exit_code: int | None = None
    started: str = ""
    finished: str = ""
    restarts: int = 0
    stopped_by_hand: bool = False
    looks: int = 0
    ports: tuple[Port, ...] = ()
    joined: frozenset[str] = frozenset()
    """Networks besides that of its specification."""
    log: list[tuple[float, str]] = field(default_factory=list)
    """(Unix time, line)."""
    files: Files = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return self.state == "running"


@dataclass(frozen=True)
class Remote:
    """What a registry has under a name."""

    digest: str
    image: FakeImage


class State:
    """Everything an engine and its registries know. One lock, held by each call."""

    def __init__(self, program: Program, programs: Mapping[tuple[str, ...], Program]) -> None:
        self.program = program
        """Of images that are built or published from now on."""
        self.programs = dict(programs)
        """Of containers whose command is that argv, whatever their image."""
        self.lock = threading.Condition(threading.RLock())
        self.images: dict[str, FakeImage] = {}
        self.archived: dict[str, FakeImage] = {}
        """Every image that was ever saved, by id."""
        self.tags: dict[str, str] = {}
        """Familiar name with tag → image id."""
        self.containers: dict[str, FakeContainer] = {}
        self.networks: dict[str, NetworkInfo] = {}
        self.volumes: dict[str, VolumeInfo] = {}
        self.registries: dict[str, Auth | None] = {references.HUB: None}
        """Hosts that answer, with the credentials that they want."""
        self.remote: dict[str, Remote] = {}
        """Unabbreviated reference → what a registry has."""
        self.files: Files = MINIMAL
        """Of images that are built from now on."""
        self.findings: list[Finding] | None = None
        """Of the builder's own checks; None: it has none."""
        self.events: list[ContainerEvent] = []
        """All that has happened to containers."""
        self.unavailable = False
        self.port_taken: set[int] = set()
        """Host ports that something else has."""
        self.calls: list[tuple[str, ...]] = []
        """Every call that changes or builds something: verb and what it was about."""
        self._faults: dict[str, deque[DockcycleError]] = defaultdict(deque)
        self._always: dict[str, DockcycleError] = {}
        self._numbers = itertools.count(1)
        self._last = datetime.now(UTC)

    def share(self, other: State) -> None:
        """Have the same world outside: registries, archives."""
        self.archived, self.registries, self.remote = (
            other.archived, other.registries, other.remote
        )  # fmt: skip

    # failures

    def fail(self, verb: str, *errors: DockcycleError) -> None:
        """The next calls of that method of the port raise these, one each."""
        self._faults[verb].extend(errors)

    def fail_always(self, verb: str, error: DockcycleError) -> None:
        """All calls of that method raise it."""
        self._always[verb] = error

    def enter(self, verb: str, *about: str) -> None:
        """Called first by each method: raises what it has been told to."""
        if about:
            self.calls.append((verb, *about))
        if self.unavailable:
            raise EngineUnavailable("no Docker engine answers (fake)", hint="It was told not to.")
        if self._faults[verb]:
            raise self._faults[verb].popleft()
        if verb in self._always:
            raise self._always[verb]

    # what is told

    def tell(self, what: Happening, container: FakeContainer) -> None:
        """Something has happened to a container."""
        self.events.append(
            ContainerEvent(
                what=what, container=container.id, name=container.name,
                labels={**container.image.labels, **container.spec.labels},
                at=self.now().timestamp(),
                exit_code=container.exit_code if what == "die" else None,
            )
        )  # fmt: skip
        self.lock.notify_all()

    # ids and times

    def number(self) -> int:
        return next(self._numbers)

    def now(self) -> datetime:
        """The time, later than any that was given before."""
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        return self._last

    def stamp(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def matches(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Does it carry all that are wanted? An empty value asks for the key alone."""
    return all(
        key in labels and (not value or labels[key] == value) for key, value in wanted.items()
    )


def familiar(ref: str) -> str:
    """A name as the engine lists it: with its tag, without what is implied."""
    parsed = references.parse(ref)
    return f"{parsed.familiar}:{parsed.tag or 'latest'}"


def full(ref: str) -> str:
    """A name as a registry has it."""
    parsed = references.parse(ref)
    return str(parsed if parsed.digest else parsed.tagged(parsed.tag or "latest"))


def shown(lines: Sequence[str]) -> str:
    """Lines as one output."""
    return "".join(f"{line}\n" for line in lines)
