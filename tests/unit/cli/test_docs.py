"""docs/commands.md and the command line say the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import pipeline.cli.commands  # noqa: F401 - adds the commands
from pipeline.cli.app import app
from pipeline.cli.options import PREFIX, params
from pipeline.render import OUTPUTS

PAGE = (Path(__file__).parents[3] / "docs" / "commands.md").read_text()
SECTIONS = dict(re.findall(r"^### `(.+?)`\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))


def commands() -> dict[str, Any]:
    found: dict[str, Any] = {}
    root: Any = get_command(app)
    for name, command in root.commands.items():
        below = getattr(command, "commands", None)
        found |= {f"{name} {n}": c for n, c in below.items()} if below else {name: command}
    return found


COMMANDS = commands()


def test_every_command_has_its_section_in_the_same_order() -> None:
    assert list(SECTIONS) == [name for name in SECTIONS if name in COMMANDS]
    assert set(SECTIONS) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained_and_every_explained_option_is_there(name: str) -> None:
    own = {o for p in COMMANDS[name].params if not p.name.startswith(PREFIX) for o in p.opts}
    shared = {option for param in params() for option in param.opts}
    told = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", SECTIONS[name]))
    options = {option for option in own if option.startswith("--")}
    section = SECTIONS[name]
    if name == "plan":  # explained at `run`
        section += SECTIONS["run"]
    if name in ("start", "stop", "restart", "kill", "rm", "down"):
        section += "`--wait TIME`"
    missing = {option for option in options if option not in section}
    assert not missing
    assert {t for t in told if t.startswith("--")} <= own | shared | all_options(), told


def all_options() -> set[str]:
    """A section may mention other commands."""
    return {option for command in COMMANDS.values() for p in command.params for option in p.opts}


def test_every_command_has_an_example_and_help() -> None:
    for name, command in COMMANDS.items():
        assert f"$ dockcycle {name}" in SECTIONS[name]
        assert f"$ dockcycle {name}" in command.epilog, name
        assert command.help and command.help.rstrip().endswith("."), name


def lines() -> list[str]:
    shown = re.findall(r"^\s*\$ (dockcycle .+)$", PAGE, re.M)
    helped = [line for c in COMMANDS.values() for line in re.findall(r"\$ (.+)", c.epilog)]
    return sorted({re.split(r"\s[|>#]", line)[0].strip() for line in shown + helped})


@pytest.mark.parametrize("line", lines())
def test_every_example_is_one_that_the_command_takes(line: str) -> None:
    root: Any = get_command(app)
    argv = shlex.split(line)[1:]
    context = root.make_context("dockcycle", argv, resilient_parsing=False)
    with context:
        name, command, rest = root.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        while hasattr(command, "commands"):
            context = command.make_context(name, rest, parent=context)
            name, command, rest = command.resolve_command(
                context, [*context._protected_args, *context.args]
            )
        command.make_context(name, rest, parent=context)


def test_the_renderers_are_the_same() -> None:
    from pipeline.cli import options

    assert options.OUTPUTS == OUTPUTS
