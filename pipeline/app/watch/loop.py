"""The loop: wait for a change, run, and start over when a newer one comes in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.app.running import RunOptions, execute, make_plan, started
from pipeline.app.signals import signals_to
from pipeline.app.watch.inbox import GRACE, Change, Inbox, Superseded
from pipeline.app.watch.sources import Source
from pipeline.app.workspace import Workspace
from pipeline.errors import Cancelled, DockcycleError
from pipeline.events import Event, Notice, Sink
from pipeline.scope import Scope

LOCK_SECONDS = 86400.0
"""How long another run of the project may take."""


class Host(Protocol):
    """What the loop is told by, and tells to."""

    def workspace(self, changes: Sequence[Change], scope: Scope) -> Workspace:
        """A fresh one, for a run that follows ``changes``.

        Raises:
            DockcycleError: there is none.
        """

    def rendering(self) -> AbstractContextManager[Sink]:
        """A renderer for one run."""

    def complain(self, error: DockcycleError) -> None:
        """Tell a failure that is none of a run."""


def watch(host: Host, sources: Sequence[Source], options: RunOptions) -> int:
    """Run, and run again whenever a source tells of a change, until Ctrl-C; the exit code.

    A run that fails leaves the app as it was, and the loop goes on.
    """
    whole, inbox = Scope(what="watch"), Inbox()
    with signals_to(whole):
        for source in sources:
            threading.Thread(
                target=source.follow, args=(inbox.put, host.complain, whole), daemon=True,
                name=f"watching {source.what}",
            ).start()  # fmt: skip
        try:
            return _Loop(host, sources, options, inbox, whole).run()
        except Cancelled as end:
            return end.exit_code
        finally:
            whole.cancel()


@dataclass
class _Loop:
    host: Host
    sources: Sequence[Source]
    options: RunOptions
    inbox: Inbox
    whole: Scope
    told_own: frozenset[str] = frozenset()

    def run(self) -> int:
        changes: list[Change] = []
        while True:
            try:
                self._follow(changes)
            except Superseded:
                pass  # the change is in the inbox
            except Cancelled as end:
                return end.exit_code
            except DockcycleError as error:
                self.host.complain(error)
            changes = self.inbox.take() or self._next()

    def _follow(self, changes: Sequence[Change]) -> None:
        """One run, if there is anything to do. ``changes`` are empty the first time.

        Raises:
            Superseded: a newer change ended it.
            Cancelled: a signal did.
        """
        workspace = self.host.workspace(changes, self.whole)
        with (
            self.host.rendering() as renderer,
            started(workspace, "watch", LOCK_SECONDS, [renderer]) as (run, scope),
            self.inbox.during(scope),
        ):
            plan = make_plan(workspace, run, self.options.selection, scope)
            if plan.nothing_to_do and not changes:
                renderer(Notice(message="everything is up to date"))
            if not plan.nothing_to_do:
                for change in changes:
                    renderer(Notice(message=str(change)))
                sinks = [self._following(workspace), renderer]
                execute(workspace, run, plan, scope, sinks, sequential=self.options.sequential)
        scope.check()  # here, so that no signal is lost that came before its handler was put back

    def _following(self, workspace: Workspace) -> Sink:
        writes = _writers(workspace)

        def follow(event: Event) -> None:
            self.inbox.follow(event, writes)

        return follow

    def _next(self) -> list[Change]:
        """Wait for changes, those first that came in while the checks were at work."""
        self.whole.sleep(GRACE)  # so that what the run has written does not count as a change
        rest, own = self.inbox.left_by_checks()
        if changes := self.inbox.take() + ([rest] if rest else []):
            return changes
        with self.host.rendering() as renderer:
            if own - self.told_own:
                self.told_own |= own
                renderer(Notice(level="warning", message=_OWN.format(", ".join(sorted(own)))))
            what = " and ".join(source.what for source in self.sources)
            renderer(Notice(message=f"watching {what}; Ctrl-C ends"))
        while not changes:
            self.inbox.wait(self.whole)
            changes = self.inbox.take()
        return changes


_OWN = "{} changed while the checks ran, twice in a row, and starts no run: is it theirs?"


def _writers(workspace: Workspace) -> Callable[[str], str]:
    """Key → name, of the stages that may write files of the project."""
    writing: dict[str, str] = {}
    for entry, stage in workspace.stages:
        options: Any = stage.options
        here = any(check.inside is None for check in getattr(options, "all_checks", ()))
        if stage.name in ("dockerfile", "track") or (stage.name == "code" and here):
            writing[entry.key] = stage.name
    return lambda key: writing.get(key, "")
