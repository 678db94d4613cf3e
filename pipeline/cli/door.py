"""The door: every command goes in here, and every failure comes out here as an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

import typer

from pipeline.cli.app import BROKEN_PIPE, app
from pipeline.cli.options import Asked
from pipeline.errors import Cancelled, DockcycleError, Exit, UsageError


def enter(argv: Sequence[str]) -> int:
    """Carry out a command line; its exit code."""
    for stream in (sys.stdout, sys.stderr):
        _forgive(stream)
    asked = Asked()
    code = _guarded(argv, asked)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or BROKEN_PIPE
        # Python flushes once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _guarded(argv: Sequence[str], asked: Asked) -> int:
    try:
        return int(app(list(argv), "dockcycle", standalone_mode=False, obj=asked) or 0)
    except (typer.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except typer.TyperException as error:
        return _told(_mistake(error), asked)
    except Cancelled as error:
        return error.exit_code
    except DockcycleError as error:
        return _told(error, asked)
    except Exception as error:  # noqa: BLE001 - the door: whatever comes here is a bug of ours
        from pipeline.cli.report import tell_bug

        tell_bug(error, argv, asked.mask)
        return Exit.BUG


def _told(error: DockcycleError, asked: Asked) -> int:
    from pipeline.cli.complain import complain
    from pipeline.render import resolve

    complain(error, resolve(asked.output, sys.stdout, os.environ), asked.mask)
    return error.exit_code


def _mistake(error: typer.TyperException) -> UsageError:
    """A mistake on the command line, as Typer found it."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "dockcycle"
    return UsageError(error.format_message(), hint=f"`{command} --help` shows what there is.")


def _forgive(stream: TextIO) -> None:
    """A terminal that lacks a character gets a question mark, not a traceback."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="replace")
