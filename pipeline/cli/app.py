"""The command ``dockcycle``: how its commands are added, and how their help is laid out."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from pipeline.cli.options import PREFIX, params, take
from pipeline.errors import UsageError

START, AUTHOR, WORK, LOOK, KEEP = "Start", "Author", "Work", "Look", "Keep"
IMAGES = "Images and registry"
BROKEN_PIPE = 141
"""As of a process that died of SIGPIPE: whoever read the output has stopped reading."""
ELSEWHERE = {
    "up": "run", "deploy": "run", "ship": "run", "release": "run", "apply": "run",
    "build": "image build", "test": "run --to smoke", "push": "run --to push",
    "ps": "status", "ls": "status", "images": "image ls", "log": "logs", "runs": "history",
    "check": "validate", "config": "validate", "undo": "rollback", "delete": "down",
    "destroy": "down", "clean": "prune", "new": "init",
}  # fmt: skip
"""What other tools call it."""
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

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command, or what may have been meant."""
        name = args[0]
        if not ctx.resilient_parsing and self.get_command(ctx, name) is None and name[:1] != "-":
            raise UsageError(f"there is no command `{name}`", hint=self._meant(ctx, name))
        return super().resolve_command(ctx, args)

    def _meant(self, ctx: Any, name: str) -> str:
        from difflib import get_close_matches

        words = {word: word for word in self.commands} | (ELSEWHERE if ctx.parent is None else {})
        if near := get_close_matches(name, words, n=1, cutoff=0.7):
            return f"Did you mean `{ctx.command_path} {words[near[0]]}`?"
        return f"`{ctx.command_path} --help` shows what there is."

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
    rows = [(_named(row[0]), row[1]) for param in shown if (row := param.get_help_record(ctx))]
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def _named(name: str) -> str:
    """Without the Python type that Typer puts behind an argument."""
    return name.partition(" <")[0]


app = typer.Typer(
    name="dockcycle",
    cls=ProjectGroup,
    help="From source to a tested, published, self-healing container.",
    epilog="\b\nFirst steps:\n  $ dockcycle init\n  $ dockcycle run\n\n"
    "Every command has --help with examples.",
    no_args_is_help=False,
    rich_markup_mode=None,  # loading rich would double the time that help takes
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:
    if asked:
        from pipeline import __version__

        sys.stdout.write(f"dockcycle {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True,
                     help="Show the version and exit."),
    ] = False,
) -> None:  # fmt: skip
    """The command itself: only its options."""


def group(name: str, help_text: str, *examples: str) -> typer.Typer:
    """A group of commands, added to the command."""
    made = typer.Typer(cls=ProjectGroup, no_args_is_help=False, rich_markup_mode=None)
    app.add_typer(
        made, name=name, help=help_text, rich_help_panel=IMAGES, epilog=_examples(examples)
    )
    return made


def command(to: typer.Typer, name: str, panel: str, *examples: str) -> Callable[[F], F]:
    """Add a function as a command, with ``examples`` at the end of its help."""
    return to.command(name, cls=ProjectCommand, rich_help_panel=panel, epilog=_examples(examples))


def _examples(lines: Sequence[str]) -> str:
    return "\n".join(["\b", "Examples:", *(f"  $ {line}" for line in lines)])
