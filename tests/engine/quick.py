"""The command in processes that are forked from one that has loaded everything.

To the engine and to itself each is a process like any other, and it can be killed like any other;
it only starts sooner, which counts where a test starts it hundreds of times.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.__main__ import main
from tests.engine.conftest import AppUnderTest, Result

LOADED = (
    "pipeline.cli.commands", "pipeline.app.adapters", "pipeline.app.rollback",
    "pipeline.adapters.docker_engine", "pipeline.adapters.registry", "pipeline.adapters.git_repo",
    "pipeline.render.plain", "stages.build", "stages.code", "stages.dockerfile", "stages.operate",
    "stages.push", "stages.run", "stages.smoke", "stages.track", "docker", "git", "requests",
)  # fmt: skip

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__, *LOADED])


def command(app: AppUnderTest, *args: str, timeout: float = 180, **environ: str) -> Result:
    """As ``app.command``; stdout and stderr come as one in ``out``, and the code of a process that
    was killed is the signal below zero."""
    with tempfile.NamedTemporaryFile() as output:
        process = _processes.Process(
            target=_become, args=(args, app.directory, app.environment(environ), output.name)
        )
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
        code = process.exitcode
        assert code is not None
        return Result(code, output.read().decode(), "")


def _become(args: Sequence[str], directory: Path, environ: Mapping[str, str], output: str) -> None:
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environ)
    printed = os.open(output, os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(printed, stream.fileno())
    sys.argv = ["dockcycle", *args]
    sys.exit(main())
