"""Telling those named under ``notify:`` how a run ended."""

from __future__ import annotations

import time

from pipeline.app.workspace import Workspace
from pipeline.artifacts import Release
from pipeline.errors import DockcycleError
from pipeline.events import Notice, RunFinished, Serving
from pipeline.kit.notifying import Hook, Message, Sender, publish
from pipeline.planner import Plan
from pipeline.render.words import serving_text
from pipeline.runner import RunResult, Unrecorded
from pipeline.scope import Scope

SECONDS = 20.0
"""For all that are told of a run."""


def notify(
    workspace: Workspace, plan: Plan, result: RunResult, serving: Serving | None
) -> list[Notice]:
    """Tell them; what did not work, as notices. A run that had nothing to do, or was interrupted by
    who watched it, is no news."""
    hooks = workspace.head.notify
    told: list[Notice] = []
    if Release in result.evidence:
        told += _leave(workspace, hooks)
    if not hooks or plan.nothing_to_do or result.status not in ("passed", "failed"):
        return told
    sender = Sender(
        workspace.ports.outside, workspace.ports.shell, workspace.ports.clock,
        lambda hook: _url(workspace, hook),
    )  # fmt: skip
    scope = Scope(SECONDS, what="notifying")
    told_of = workspace.masker.data(message(workspace.head.name, result, serving))
    failures = sender.send(hooks, told_of, scope)
    return told + [Notice(level="warning", message=failure) for failure in failures]


def message(project: str, result: RunResult, serving: Serving | None) -> Message:
    """What is told of a run that passed or failed."""
    outcome, failed = result.outcome, result.error
    if failed is None:
        release, url = outcome.get("release", ""), outcome.get("url", "")
        what = f"{release} is live" if release else "the run passed"
        text = f"{project}: {what}" + (f" at {url}" if url else "")
    else:
        release, url = (serving.release, serving.url) if serving else ("", "")
        serves = serving_text(RunFinished(outcome=outcome, serving=serving))
        text = f"{project}: the run failed: {_first_line(failed)}" + (serves and f"; {serves}")
    return Message(
        event="failure" if failed else "success",
        text=text,
        project=project,
        release=release,
        commit=outcome.get("commit", ""),
        url=url,
        run=result.run,
        reason=_first_line(failed) if failed else "",
        at=round(time.time(), 3),
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _leave(workspace: Workspace, hooks: tuple[Hook, ...]) -> list[Notice]:
    """For the supervisor, on the engine that serves."""
    try:
        publish(
            workspace.ports.engine, workspace.head.name, hooks,
            client=workspace.home.client(), journal=Unrecorded(),
        )  # fmt: skip
    except DockcycleError as error:
        what = f"a supervisor will not know whom to notify: {error.message}"
        return [Notice(level="warning", message=what, hint=error.hint)]
    return []


def _url(workspace: Workspace, hook: Hook) -> str:
    if hook.secret:
        return workspace.secrets.get(hook.secret)
    workspace.masker.add(hook.url)  # whoever has it may post there
    return hook.url
