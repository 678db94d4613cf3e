"""``watch``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import WORK, app, command
from pipeline.cli.options import Asked, asked
from pipeline.cli.words import Last, seconds
from pipeline.cli.work import rendering, selection
from pipeline.errors import DockcycleError, UsageError

if TYPE_CHECKING:
    from pipeline.app.watch import Change, Fresh
    from pipeline.app.workspace import Workspace
    from pipeline.render import Renderer
    from pipeline.scope import Scope


@command(
    app, "watch", WORK, "dockcycle watch", "dockcycle watch --to smoke",
    "dockcycle watch --git --branch main --base",
)  # fmt: skip
def watch(
    ctx: typer.Context,
    last: Last = None,
    git: Annotated[
        bool, typer.Option("--git", help="Follow commits of a branch instead of files here.")
    ] = False,
    branch: Annotated[
        str | None,
        typer.Option("--branch", metavar="BRANCH", help="With --git; by default the current one."),
    ] = None,
    interval: Annotated[
        str, typer.Option("--interval", metavar="TIME", help="With --git: how often to ask.")
    ] = "30s",
    base: Annotated[
        bool, typer.Option("--base", help="Also follow the base images in pipeline.lock.")
    ] = False,
    base_interval: Annotated[
        str, typer.Option("--base-interval", metavar="TIME", help="With --base: how often to ask.")
    ] = "1h",
) -> int:
    """Run the pipeline, and again whenever something changes, until Ctrl-C.

    A newer change ends the run of an older one. A run that fails leaves the app as it was.
    """
    from pipeline.app import watch as watching
    from pipeline.app.running import RunOptions

    if branch and not git:
        raise UsageError("--branch goes with --git")
    here = asked(ctx)
    here.trigger = "watch"
    wish = watching.Wish(
        git=git, branch=branch, interval=_interval(interval, "--interval"), base=base,
        base_interval=_interval(base_interval, "--base-interval"),
    )  # fmt: skip
    fresh, sources = watching.prepare(here.workspace, wish)
    options = RunOptions(selection=selection(None, last, None, force=False))
    return watching.watch(_Terminal(here, fresh), sources, options)


def _interval(text: str, option: str) -> float:
    found = seconds(text, option)
    if found < 1:
        raise UsageError(f"{option}: a second at least")
    return found


@dataclass(frozen=True)
class _Terminal:
    """The command line as the host of the loop."""

    here: Asked
    fresh: Fresh

    def workspace(self, changes: Sequence[Change], scope: Scope) -> Workspace:
        return self.fresh(changes, scope)

    def rendering(self) -> AbstractContextManager[Renderer]:
        return rendering(self.here)

    def complain(self, error: DockcycleError) -> None:
        import os
        import sys

        from pipeline.cli.complain import complain
        from pipeline.render import resolve

        complain(error, resolve(self.here.output, sys.stdout, os.environ), self.here.mask)
