"""The command line: ``python3 -m lab up|down|status|…``."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence

from lab import bases, gitremote, project
from lab.errors import LabError
from lab.paths import open_lab
from lab.stack import Stack

NOT_USABLE = 4
NOT_UP = 1
INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--name",
        default=argparse.SUPPRESS,
        help="which lab (default: $DOCKCYCLE_LAB, or 'default')",
    )
    top = argparse.ArgumentParser(prog="lab", description=__doc__, parents=[common])
    commands = top.add_subparsers(dest="command", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[common])

    up = add("up", "start everything that does not run yet; may be repeated at any time")
    up.add_argument(
        "--net",
        choices=["host", "own"],
        help="live in the machine's network (default), or in a namespace that meets no one else",
    )
    down = add("down", "stop everything")
    down.add_argument("--purge", action="store_true", help="delete images and containers, too")
    status = add("status", "show what runs; exit code 1 if the engine does not answer")
    status.add_argument("--json", action="store_true", help="for programs")
    add("restart", "stop the engine and start it again")
    add("freeze", "stop the engine from answering")
    add("thaw", "let a frozen engine go on")
    add("kill", "end the engine without a chance to clean up")
    env = add("env", "print the variables to use the lab, for eval")
    env.add_argument("--json", action="store_true", help="for programs")
    run = add("exec", "run a command that uses the lab")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND …")
    add("ssh", "let the engine be reached over ssh; print the variables that say how, as JSON")
    git = add("git", "make the git remote refuse pushes, or take them again")
    git.add_argument("mode", choices=["refuse", "accept"])
    add("demo", "run pipeline.yml on the engine of this machine, or on the lab's if there is none")
    test = add("test", "run the project's tests in a lab of their own, and end it")
    test.add_argument("words", nargs=argparse.REMAINDER, metavar="-- PYTEST ARGUMENTS …")
    more = add("bases", "build more base images")
    more.add_argument("names", nargs="*", help="names or tags, or all; without any, list them")
    return top


def say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


def show_bases() -> None:
    for base in bases.ALL:
        tags = [*base.tags, *(f"{tag} (stand-in)" for tag in base.stand_ins)]
        print(f"{base.name:16} {', '.join(tags)}")


def show_env(stack: Stack, as_json: bool) -> None:
    values = stack.environment()
    if as_json:
        print(json.dumps(values, indent=1))
        return
    for key, value in values.items():
        print(f"export {key}={shlex.quote(value)}")


def without_dashes(words: Sequence[str]) -> list[str]:
    """``words`` without the ``--`` that sets them off."""
    return list(words[1:] if words[:1] == ["--"] else words)


def enter(stack: Stack, words: Sequence[str]) -> None:
    """Become the command ``words`` inside the lab."""
    argv = without_dashes(words)
    if not argv:
        raise LabError("exec: which command? Example: python3 -m lab exec -- docker ps")
    environ = {**os.environ, **stack.environment()}
    argv = stack.network.enter(argv)
    try:
        os.execvpe(argv[0], argv, environ)
    except FileNotFoundError as error:
        raise LabError(f"exec: {argv[0]}: command not found") from error


def show_status(stack: Stack, as_json: bool) -> int:
    state = stack.status()
    if as_json:
        print(json.dumps(state, indent=1))
    else:
        for key, value in state.items():
            print(f"{key:10} {value}")
    return 0 if state["engine"] == "up" else NOT_UP


def test_all(stack: Stack) -> int:
    trouble = Stack(open_lab(f"{stack.lab.name}-trouble", os.environ), say)
    return project.test_all(stack, trouble, os.environ)


def perform(stack: Stack, options: argparse.Namespace) -> int:
    """Do what the arguments ask for; the exit code."""
    match options.command:
        case "up":
            stack.up(stack.defaults(), options.net)
            return show_status(stack, as_json=False)
        case "down":
            stack.down(options.purge)
        case "status":
            return show_status(stack, options.json)
        case "env":
            show_env(stack, options.json)
        case "ssh":
            print(json.dumps(stack.ssh_up(), indent=1))
        case "exec":
            enter(stack, options.argv)
        case "demo":
            project.demo(stack, os.environ)
        case "test":
            words = without_dashes(options.words)
            return project.test(stack, os.environ, words) if words else test_all(stack)
        case "git":
            gitremote.refuse_pushes(stack.lab.git_remote, options.mode == "refuse")
        case "bases" if not options.names:
            show_bases()
        case "bases":
            every = options.names == ["all"]
            stack.up(bases.ALL if every else [bases.find(name) for name in options.names])
        case command:
            stack.engine_command(command)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    options = parser().parse_args(argv)
    name = getattr(options, "name", None)
    if options.command == "test" and "DOCKCYCLE_LAB" not in os.environ:
        name = name or project.TEST_LAB
    try:
        return perform(Stack(open_lab(name, os.environ), say), options)
    except LabError as error:
        say(str(error))
        return NOT_USABLE
    except PermissionError as error:
        say(f"{error}; the lab needs root")
        return NOT_USABLE
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
