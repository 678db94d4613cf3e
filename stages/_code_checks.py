"""The project's own checks: commands on this machine, or in a container of an image or target."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from pipeline.artifacts import CheckReport, CheckResult, Source
from pipeline.errors import DeadlineExceeded, StageFailed
from pipeline.kit.text import Tail
from pipeline.kit.units import Scalar, Timeout
from pipeline.ports.engine import ContainerSpec, OnLine
from pipeline.scope import Scope
from pipeline.stage import Context, StageOptions, elapsed
from stages._code_images import CheckImages

HOST = "host"
_LONGEST_NAME = 60


class Check(StageOptions):
    """One command that must succeed."""

    run: Annotated[str, Field(min_length=1)]
    """A line for `sh -c`, in the app's folder."""
    name: str = ""
    """For the report; the command itself."""
    inside: Annotated[str | None, Field(alias="in", min_length=1)] = None
    """A build target of the Dockerfile (`test`) or an image (`python:3.12-slim`) to run in; this
    machine without."""
    env: Mapping[str, Scalar] = {}
    """Additional variables; `{secret:NAME}` stands for a secret."""
    timeout: Timeout | None = None
    """For this check alone."""

    @property
    def title(self) -> str:
        first = self.name or self.run.strip().partition("\n")[0]
        return first if len(first) <= _LONGEST_NAME else f"{first[: _LONGEST_NAME - 1]}…"


@dataclass
class Checks:
    """Runs checks one after the other."""

    ctx: Context
    source: Source
    images: CheckImages

    def run(self, checks: tuple[Check, ...]) -> CheckReport:
        """All of them, in order, until one fails.

        Raises:
            StageFailed: one failed; ``detail`` has the last lines of what it printed.
            DeadlineExceeded: one took longer than its ``timeout``.
        """
        return CheckReport(
            checks=tuple(self._check(check, number) for number, check in enumerate(checks, 1))
        )

    def _check(self, check: Check, number: int) -> CheckResult:
        ctx, tail = self.ctx, Tail()
        place = self._prepare(check, number)
        ctx.progress(f"check: {check.title}")  # what it runs in may have been built meanwhile
        started = time.monotonic()

        def take(line: str) -> None:
            tail.add(line)
            ctx.log(line, step=check.title)

        scope = ctx.scope.child(check.timeout, what=f"the check {check.title}")
        try:
            code = place(take, scope)
        except DeadlineExceeded as error:
            ctx.checked(check.title, passed=False, seconds=elapsed(started), message="too slow")
            error.detail = tail.text
            if ctx.scope.remaining() > 0:
                error.hint = "Raise `timeout:` of the check if it needs longer."
            raise
        seconds = elapsed(started)
        ctx.checked(
            check.title, passed=code == 0, seconds=seconds,
            message="" if code == 0 else f"exit code {code}",
        )  # fmt: skip
        if code != 0:
            raise _failed(check, code, tail.text)
        return CheckResult(
            name=check.title, command=check.run, where=check.inside or HOST, exit_code=code,
            seconds=round(seconds, 3), output=tail.text,
        )  # fmt: skip

    def _prepare(self, check: Check, number: int) -> Callable[[OnLine, Scope], int]:
        """Whatever the check needs; what is returned then runs it and gives its exit code."""
        ctx = self.ctx
        env = {key: ctx.secrets.expand(value) for key, value in check.env.items()}
        if check.inside is None:
            return lambda take, scope: ctx.ports.shell.run(
                ["/bin/sh", "-c", check.run], cwd=self.source.path, environment=env, on_line=take,
                scope=scope,
            ).exit_code  # fmt: skip
        spec = ContainerSpec(
            image=self.images.get(check.inside), entrypoint=("/bin/sh", "-c"),
            name=f"{ctx.project.name}-check-{ctx.run.rpartition('-')[2]}-{number}",
            command=(check.run,), environment=env, labels=ctx.labels("check"),
        )  # fmt: skip

        def contained(take: OnLine, scope: Scope) -> int:
            with ctx.journal.effect("container", spec.name):
                return ctx.ports.engine.run_once(spec, take, scope).exit_code

        return contained


def _failed(check: Check, code: int, output: str) -> StageFailed:
    ended = f"was killed by signal {-code}" if code < 0 else f"failed with exit code {code}"
    return StageFailed(f"the check {check.title} {ended}", hint=_hint(check, code), detail=output)


def _hint(check: Check, code: int) -> str:
    if code == 127 and check.inside is None:
        return "Install the command, or run the check in an image: `in: python:3.12-slim`, say."
    if code == 137:
        return "It was killed, often for lack of memory."
    where = "" if check.inside is None else f" (in {check.inside})"
    return f"To see it by itself{where}: {check.run.strip().partition(chr(10))[0]}"
