"""The command ``dockcycle``: how its commands are added, and how their help is laid out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from pipeline.cli.options import PREFIX, params, take

START, AUTHOR, WORK, LOOK, KEEP = "Start", "Author", "Work", "Look", "Keep"
IMAGES = "Images and registry"
BROKEN_PIPE = 141
"""As of a process that died of SIGPIPE: whoever read the output has stopped reading."""
F = TypeVar("F", bound=Callable[..., Any])
_SHARED = params()


class _Sharing:
    """Adds the shared options to a command; a name that the command uses itself stays its own."""

    params: list[Any]
    get_params: Callable[[Any], list[Any]]

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        taken = {name for param in self.params for name in param.opts}
        for shared in _SHARED:
            param = copy.copy(shared)
            param.opts = [name for name in shared.opts if name not in taken]
            self.params.append(param)

    def invoke(self, ctx: Any) -> Any:
        take(ctx)
        try:
            return super().invoke(ctx)  # type: ignore[misc] # the class beside this one has it
        except BrokenPipeError:
            # Here, since Typer would answer with exit code 1, which means a failed stage.
            raise typer.Exit(BROKEN_PIPE) from None

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Commands first, then what is the command's own, then what all share."""
        own = [param for param in self.get_params(ctx) if not param.name.startswith(PREFIX)]
        arguments = [param for param in own if param.param_type_name == "argument"]
        self.format_commands(ctx, formatter)
        _section(formatter, "Arguments", ctx, arguments)
        _section(formatter, "Options", ctx, [param for param in own if param not in arguments])
        _section(formatter, "Shared options", ctx, [p for p in self.params if p not in own])

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Only a group has some."""


class ProjectCommand(_Sharing, TyperCommand):
    """A command with the shared options."""


class ProjectGroup(_Sharing, TyperGroup):
    """A group with the shared options."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands in order, under the titles of their panels."""
        panels: dict[str, list[tuple[str, str]]] = {}
        width = max(map(len, self.commands))
        for name, command in self.commands.items():
            title = getattr(command, "rich_help_panel", None) or "Commands"
            row = (f"{name:<{width}}", command.get_short_help_str(70))
            panels.setdefault(title, []).append(row)
        for title, rows in panels.items():
            with formatter.section(title):
                formatter.write_dl(rows)


def _section(formatter: Any, title: str, ctx: Any, shown: Sequence[Any]) -> None:
    rows = [row for param in shown if (row := param.get_help_record(ctx))]
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


app = typer.Typer(
    name="dockcycle",
    cls=ProjectGroup,
    help="From source to a tested, published, self-healing container.",
    epilog="Every command has --help with an example.",
    no_args_is_help=False,
    rich_markup_mode=None,  # loading rich would double the time that help takes
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def group(name: str, help_text: str) -> typer.Typer:
    """A group of commands, added to the command."""
    made = typer.Typer(cls=ProjectGroup, no_args_is_help=False, rich_markup_mode=None)
    app.add_typer(made, name=name, help=help_text, rich_help_panel=IMAGES)
    return made


def command(to: typer.Typer, name: str, panel: str, *examples: str) -> Callable[[F], F]:
    """Add a function as a command, with ``examples`` at the end of its help."""
    lines = "\n".join(["\b", "Examples:", *(f"  $ {line}" for line in examples)])
    return to.command(name, cls=ProjectCommand, rich_help_panel=panel, epilog=lines)
