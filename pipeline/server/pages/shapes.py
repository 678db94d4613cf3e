"""The forms of the JSON API. The OpenAPI document is made from these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.app.status import Status
from pipeline.server.pages.items import RunItem
from pipeline.store import RunRecord


@dataclass(frozen=True)
class ReleaseItem:
    """A release that can come back. ``images`` by service; ``created`` is ISO 8601."""

    id: str
    run: str
    created: str
    commit: str | None
    branch: str | None
    url: str
    images: dict[str, str]
    digests: dict[str, tuple[str, ...]]
    live: bool


@dataclass(frozen=True)
class ProjectItem:
    """A project and how it stands on its engine. ``status`` is null, and ``problem`` says why, when
    the engine does not answer."""

    name: str
    repository: str
    state: str
    status: Status | None
    problem: str
    latest: RunItem | None


@dataclass(frozen=True)
class Projects:
    projects: list[ProjectItem]


@dataclass(frozen=True)
class Releases:
    """The newest first."""

    releases: list[ReleaseItem]


@dataclass(frozen=True)
class Runs:
    """The newest first. ``next`` is what to give as ``before`` for the page after this one."""

    runs: list[RunItem]
    next: str | None


@dataclass(frozen=True)
class WholeRun(RunRecord):
    """The whole record, as ``dockcycle show RUN --json`` prints it."""

    artifacts: dict[str, Any] = field(default_factory=dict)
    """By the type of each."""


@dataclass(frozen=True)
class NumberedEvent:
    number: int
    event: Mapping[str, Any]
    """As docs/events.md describes them."""


@dataclass(frozen=True)
class Events:
    """``last`` is what to give as ``after`` for those that come next."""

    events: list[NumberedEvent]
    last: int
    finished: bool


class Rollback(BaseModel):
    """Which release to bring back."""

    model_config = ConfigDict(extra="forbid")
    release: str = Field(pattern=r"^r[0-9]{1,9}$", examples=["r12"])


class Start(BaseModel):
    """Which branch to run for; empty: what was run last."""

    model_config = ConfigDict(extra="forbid")
    branch: str = Field("", max_length=250)


@dataclass(frozen=True)
class Accepted:
    """It is taken down, and will be done."""

    accepted: str


@dataclass(frozen=True)
class ErrorDetail:
    message: str
    hint: str


@dataclass(frozen=True)
class Problem:
    error: ErrorDetail
