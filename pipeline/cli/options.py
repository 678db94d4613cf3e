"""The options that all commands share, and the parts of the app that they lead to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_command

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.app.workspace import Workspace
    from pipeline.render import Output

OUTPUTS = ("auto", "rich", "plain", "json", "github")
PREFIX = "shared_"
"""Of the parameters' names, so that they are no command's own."""


@dataclass
class Asked:
    """What the shared options of one command line say."""

    directory: str | None = None
    file: str | None = None
    environment: str | None = None
    sets: list[str] = field(default_factory=list)
    output: Output = "auto"
    trigger: str = "cli"
    """Who starts the run."""
    _workspace: Workspace | None = None

    @property
    def workspace(self) -> Workspace:
        """Made when a command first needs it."""
        if self._workspace is None:
            from pipeline.app.workspace import Request, Workspace

            directory = Path(self.directory or ".").absolute()
            if not directory.is_dir():
                raise UsageError(f"-C: there is no folder {directory}")
            self._workspace = Workspace(
                Request(
                    directory=directory,
                    environ=dict(os.environ),
                    file=Path(self.file) if self.file else None,
                    environment=self.environment,
                    sets=tuple(self.sets),
                    trigger=self.trigger,
                )
            )
        return self._workspace

    def mask(self, text: str) -> str:
        """``text`` without the secrets that have been read so far."""
        return self._workspace.masker.text(text) if self._workspace else text


def asked(ctx: Any) -> Asked:
    """The shared options of this command line."""
    found: Asked = ctx.ensure_object(Asked)
    return found


def take(ctx: Any) -> None:
    """Move the shared options from a command's parameters into ``Asked``."""
    here = asked(ctx)
    for name in [name for name in ctx.params if name.startswith(PREFIX)]:
        value = ctx.params.pop(name)
        attribute = name.removeprefix(PREFIX)
        if attribute == "sets":
            here.sets += value or []
        elif value is not None:
            setattr(here, attribute, value)


def params() -> list[Any]:
    """The shared options as parameters of a command."""
    helper = typer.Typer(add_completion=False)
    helper.command()(_shared)
    return [param for param in get_command(helper).params if param.name.startswith(PREFIX)]


def _check_output(value: str | None) -> str | None:
    if value is not None and value not in OUTPUTS:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(OUTPUTS)}.")
    return value


def _shared(
    shared_directory: Annotated[
        str | None,
        typer.Option("--directory", "-C", metavar="DIR", help="Work as if started in DIR."),
    ] = None,
    shared_file: Annotated[
        str | None,
        typer.Option("--file", "-f", metavar="FILE", help="The pipeline file (pipeline.yml)."),
    ] = None,
    shared_environment: Annotated[
        str | None,
        typer.Option("--environment", "-e", metavar="ENV", help="Lay pipeline.ENV.yml over it."),
    ] = None,
    shared_sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one value; may be repeated."),
    ] = None,
    shared_output: Annotated[
        str | None,
        typer.Option("--output", metavar="HOW", callback=_check_output,
                     help=f"How to show a run: {', '.join(OUTPUTS)}."),
    ] = None,
) -> None:  # fmt: skip
    """Only its parameters are used."""
