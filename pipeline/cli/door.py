"""The door: every command goes in here, and every failure comes out here as an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import typer

from pipeline.cli.app import BROKEN_PIPE, app
from pipeline.cli.options import Asked
from pipeline.errors import Cancelled, DockcycleError, Exit, UsageError, of_the_machine


def enter(argv: Sequence[str]) -> int:
    """Carry out a command line; its exit code."""
    sys.stdout, sys.stderr = _usable(sys.stdout), _usable(sys.stderr)
    asked = Asked()
    code = _guarded(argv, asked)
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return code or BROKEN_PIPE
        return code or _of_the_system(error, argv, asked)
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
    except OSError as error:
        return _of_the_system(error, argv, asked)
    except Exception as error:  # noqa: BLE001 - the door: whatever comes here is a bug of ours
        return _bug(error, argv, asked)


def _bug(error: Exception, argv: Sequence[str], asked: Asked) -> int:
    from pipeline.cli.report import tell_bug

    tell_bug(error, argv, asked.mask)
    return Exit.BUG


def _of_the_system(error: OSError, argv: Sequence[str], asked: Asked) -> int:
    lacking = of_the_machine(error)
    return _told(lacking, asked) if lacking else _bug(error, argv, asked)


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


def _usable(stream: TextIO | None) -> TextIO:
    """Somewhere to write even if it was closed; a terminal that lacks a character gets a question
    mark, not a traceback."""
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="replace")
    return stream
