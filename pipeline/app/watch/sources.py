"""What changes are learned from: files here, a branch elsewhere, the registries of base images.

Each is followed in a thread of its own until its scope ends, and tells of trouble once, when it
begins.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from pipeline.app.watch.inbox import Change
from pipeline.app.watch.relevance import Relevance
from pipeline.errors import DockcycleError, Unusable
from pipeline.kit.git_names import is_remote
from pipeline.ports import Repo
from pipeline.scope import Scope

DEBOUNCE = 500
"""Milliseconds that changes are collected for at most, once there is one."""
STEP = 100
"""Milliseconds without another change after which they are told."""
ASK_SECONDS = 60.0

_T = TypeVar("_T")
Tell = Callable[[Change], None]
Complain = Callable[[DockcycleError], None]


class Source(Protocol):
    """Where changes come from."""

    @property
    def what(self) -> str:
        """For people: ``files in /srv/hello``."""

    def follow(self, tell: Tell, complain: Complain, scope: Scope) -> None:
        """Tell of each change until the scope ends; then come back within a second or so."""


@dataclass(frozen=True)
class Files:
    """Files of ``folders``."""

    folders: tuple[Path, ...]
    relevance: Relevance

    @property
    def what(self) -> str:
        return f"files in {', '.join(map(str, self.folders))}"

    def follow(self, tell: Tell, complain: Complain, scope: Scope) -> None:
        import watchfiles

        ended = threading.Event()
        forget = scope.on_cancel(ended.set)
        batches = watchfiles.watch(
            *self.folders, watch_filter=lambda _change, path: self.relevance.quick(path),
            debounce=DEBOUNCE, step=STEP, rust_timeout=1000, stop_event=ended,
            raise_interrupt=False,
        )  # fmt: skip
        try:
            for batch in batches:
                if paths := self.relevance.of(path for _change, path in batch):
                    tell(Change(paths=paths))
        except OSError as error:
            hint = "On Linux: `sysctl fs.inotify.max_user_watches` says how many it may be."
            complain(Unusable(f"files cannot be watched: {error}", hint=hint))
        finally:
            forget()


@dataclass(frozen=True)
class Branch:
    """A branch of the repository at ``url`` (``""``: its default branch)."""

    repo: Repo
    url: str
    branch: str
    shown: str
    interval: float

    @property
    def what(self) -> str:
        return f"commits of {self.branch or 'the default branch'} at {self.shown}"

    def follow(self, tell: Tell, complain: Complain, scope: Scope) -> None:
        known = ""
        for found in _answers(self._commit, self.interval, complain, scope):
            if known and found != known:
                tell(Change(f"{self.branch or 'the default branch'} is at {found[:12]}"))
            known = found

    def _commit(self, scope: Scope) -> str:
        return self.repo.locate(self.url, self.branch, scope).commit


@dataclass(frozen=True)
class Bases:
    """Base images; ``moved`` asks their registries, and gives the names of those that have moved
    since it was asked the last time."""

    moved: Callable[[Scope], list[str]]
    interval: float

    @property
    def what(self) -> str:
        return "base images in their registries"

    def follow(self, tell: Tell, complain: Complain, scope: Scope) -> None:
        for names in _answers(self.moved, self.interval, complain, scope):
            if names:
                tell(Change(bases=tuple(names)))


def _answers(
    ask: Callable[[Scope], _T], interval: float, complain: Complain, scope: Scope
) -> Iterator[_T]:
    """One answer an interval; a trouble is told when it begins, not each time."""
    ill = ""
    while True:
        try:
            yield ask(scope.child(ASK_SECONDS, what="asking for changes"))
            ill = ""
        except DockcycleError as error:
            if error.message != ill and not scope.cancelled:
                ill = error.message
                complain(error)
        try:
            scope.sleep(interval)
        except DockcycleError:
            return


def absolute(url: str, directory: Path) -> str:
    """A repository's URL; a path on this machine from ``directory`` on."""
    return url if is_remote(url) or "://" in url else str((directory / url).resolve())
