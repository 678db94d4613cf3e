"""After the stages: ``cleanup`` in reverse order when the run failed, ``finish`` when it passed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from pipeline.errors import DockcycleError
from pipeline.events import Event, Notice
from pipeline.kit.undoing import Undoing
from pipeline.runner.work import Work
from pipeline.scope import Scope
from pipeline.stage import Context

CLEANUP_SECONDS = 60.0
INTERRUPTED_SECONDS = 9.0
"""A person who pressed Ctrl-C waits for this at most, from then on."""


def clean_up(
    works: Sequence[Work], emit: Callable[[Event], None], *, interrupted: float | None
) -> list[str]:
    """Undo what the started stages must not leave, the last one first. ``interrupted`` is when that
    was, by the monotonic clock; None if the run failed by itself.

    Returns the keys of those where that did not come to its end.
    """
    seconds = CLEANUP_SECONDS
    if interrupted is not None:
        seconds = INTERRUPTED_SECONDS - (time.monotonic() - interrupted)
    scope = Scope(seconds, what="cleanup")
    return [w.step.key for w in reversed(works) if not _done(w, w.step.stage.cleanup, scope, emit)]


def finish(works: Sequence[Work], emit: Callable[[Event], None]) -> list[str]:
    """Remove what was only scaffolding of a run that passed.

    Returns the keys of those where that did not come to its end.
    """
    scope = Scope(CLEANUP_SECONDS, what="tidying up")
    return [w.step.key for w in reversed(works) if not _done(w, w.step.stage.finish, scope, emit)]


def _done(
    work: Work, action: Callable[[Context], None], scope: Scope, emit: Callable[[Event], None]
) -> bool:
    """Call ``action`` in a thread, so that one that hangs costs its limit and no more; did it come
    to its end?

    What it could not do is left labelled, and the next start settles it.
    """
    problem: list[Exception] = []

    def call() -> None:
        try:
            action(replace(work.context, scope=scope, journal=Undoing(work.context.journal)))
        except Exception as error:  # noqa: BLE001 - the thread's edge: becomes a notice
            problem.append(error)

    thread = threading.Thread(target=call, name=f"cleanup {work.step.key}", daemon=True)
    thread.start()
    thread.join(scope.remaining())
    if thread.is_alive():
        problem.append(scope.timed_out())
    if problem:
        error = problem[0]
        text = error.message if isinstance(error, DockcycleError) else repr(error)
        emit(
            Notice(
                stage=work.step.key,
                level="warning",
                message=f"could not tidy up completely: {text}",
                hint="The next run, or `dockcycle prune`, removes what is left.",
            )
        )
    return not problem
