"""One run, put together for its page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.app.diff import Change, compare
from pipeline.events import CheckFinished, ErrorInfo, Event
from pipeline.render.view import RunView
from pipeline.render.words import serving_text
from pipeline.server.pages.items import RunItem, item_of
from pipeline.server.pages.picture import Picture, draw
from pipeline.store import RunRecord, Store

SEARCHED = 200
"""Runs that are looked through for the release before."""
MOST_CHANGES = 60
TOLD = frozenset({"status", "release"})
"""What the page says elsewhere."""


@dataclass(frozen=True)
class Failure:
    """Why a run failed, and where."""

    stage: str
    error: ErrorInfo


@dataclass(frozen=True)
class Pushed:
    service: str
    ref: str
    digest: str


@dataclass(frozen=True)
class Difference:
    """What changed since the release before, which ``run`` made."""

    run: str
    release: str
    changes: tuple[Change, ...]
    left_out: int


@dataclass(frozen=True)
class RunFacts:
    """Everything above and beside the log."""

    item: RunItem
    picture: Picture
    failure: Failure | None
    serving: str
    """Of a run that did not pass: what serves now."""
    remarks: tuple[str, ...]
    checks: tuple[CheckFinished, ...]
    images: tuple[tuple[str, str, int], ...]
    """Service, image id, bytes of each that was built."""
    pushed: tuple[Pushed, ...]
    remote: str
    gap: float | None
    difference: Difference | None

    @property
    def open_logs(self) -> frozenset[str]:
        """Stages whose log a reader wants to see at once."""
        return frozenset(b.key for b in self.picture.bars if b.state in ("running", "failed"))

    @property
    def fingerprint(self) -> str:
        """Differs when something else than the time has changed."""
        bars = [(bar.key, bar.state, bar.line, bar.took) for bar in self.picture.bars]
        return repr((self.item, bars, self.remarks, self.checks, self.images, self.pushed))


def facts_of(store: Store, record: RunRecord, events: Sequence[Event], now: float) -> RunFacts:
    """``events``: all of the run so far."""
    view = RunView()
    for event in events:
        view.take(event)
    return from_view(store, record, view, now)


def from_view(store: Store, record: RunRecord, view: RunView, now: float) -> RunFacts:
    """As ``facts_of``, for who has followed the events."""
    failed = view.failed
    release = record.artifact("Release") or {}
    item = item_of(store, record)
    last = max([record.started, *(s.started + s.seconds for s in view.stages.values())])
    end = record.finished or (now if item.under_way else last)
    return RunFacts(
        item=item,
        picture=draw(view, record.started, end),
        failure=Failure(failed.key, failed.error) if failed and failed.error else None,
        serving=serving_text(view.finished) if view.finished else "",
        remarks=tuple(remark for stage in view.stages.values() for remark in stage.remarks),
        checks=tuple(check for stage in view.stages.values() for check in stage.checks),
        images=tuple(_images(record)),
        pushed=tuple(_pushed(record)),
        remote=(record.artifact("Source") or {}).get("remote") or "",
        gap=release.get("gap"),
        difference=None if record.status == "running" else _difference(store, record),
    )


def _images(record: RunRecord) -> Iterator[tuple[str, str, int]]:
    for service, image in (record.artifact("Images") or {}).get("services", {}).items():
        if image.get("built", True):
            yield service, image["id"], image.get("size", 0)


def _pushed(record: RunRecord) -> Iterator[Pushed]:
    services: dict[str, Any] = (record.artifact("PushedImages") or {}).get("services", {})
    for service, pushes in services.items():
        for pushed in pushes:
            yield Pushed(service, pushed["ref"], pushed["digest"])


def _difference(store: Store, record: RunRecord) -> Difference | None:
    """To the run that put the release before in force."""
    earlier = store.runs(record.project, before=record.id, limit=SEARCHED)
    mine = record.outcome.get("release")
    for run in earlier:
        release = run.outcome.get("release")
        if release and release != mine:
            found = compare(store.run(run.id), record)
            # A run that made no release has nothing to compare with what came after its end.
            changes = [c for c in found if c.what not in TOLD and (mine or c.b)]
            shown = tuple(changes[:MOST_CHANGES])
            return Difference(run.id, release, shown, len(changes) - len(shown))
    return None
