"""Sending: soon, a few times at most, and never so that what is told of fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.errors import DockcycleError
from pipeline.kit.notifying.hooks import Hook
from pipeline.kit.notifying.message import Message
from pipeline.ports import Clock, Http, Shell
from pipeline.ports.http import HttpFailure, HttpRequest
from pipeline.scope import Scope

SECONDS = 5.0
"""For one attempt."""
PAUSES = (0.5, 1.5)
"""Seconds before the second and the third attempt."""


@dataclass(frozen=True)
class Sender:
    """``url`` gives the address of a webhook, and raises a ``DockcycleError`` when it is not at
    hand."""

    http: Http
    shell: Shell
    clock: Clock
    url: Callable[[Hook], str]

    def send(self, hooks: Iterable[Hook], message: Message, scope: Scope) -> list[str]:
        """Tell all whom it concerns; what did not work, in words without addresses."""
        failures = []
        for hook in hooks:
            if message.event in hook.on:
                try:
                    failure = self._tell(hook, message, scope)
                except DockcycleError as error:
                    failure = error.message
                if failure:
                    failures.append(f"{hook} was not told: {failure}")
        return failures

    def _tell(self, hook: Hook, message: Message, scope: Scope) -> str:
        return self._run(hook, message, scope) if hook.command else self._post(hook, message, scope)

    def _run(self, hook: Hook, message: Message, scope: Scope) -> str:
        done = self.shell.run(
            hook.command,
            cwd=hook.directory or None,
            stdin=json.dumps(message.data()),
            scope=scope.child(SECONDS, what="the command"),
        )
        return f"it ended with exit code {done.exit_code}" if done.exit_code else ""

    def _post(self, hook: Hook, message: Message, scope: Scope) -> str:
        request = HttpRequest(
            method="POST",
            url=self.url(hook),
            headers={"Content-Type": "application/json"},
            body=json.dumps(message.payload()).encode(),
            timeout=SECONDS,
            max_bytes=4096,
        )
        failure = self._attempt(request, scope)
        for pause in PAUSES:
            if not failure.again:
                break
            self.clock.sleep(pause, scope)
            failure = self._attempt(request, scope)
        return failure.why

    def _attempt(self, request: HttpRequest, scope: Scope) -> _Failure:
        try:
            status = self.http.request(request, scope).status
        except HttpFailure as error:
            return _Failure(str(error), again=True)
        if 200 <= status < 300:
            return _Failure()
        return _Failure(f"it answered {status}", again=status >= 500 or status == 429)


@dataclass(frozen=True)
class _Failure:
    why: str = ""
    again: bool = False
