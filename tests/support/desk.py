"""A project in a folder, an engine in memory, and the command line between them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.ports import Auth

PIPELINE = """\
version: 1
name: hello
stages:
  - code
  - dockerfile
  - build
  - run: {port: 5000}
  - smoke: {checks: [{get: /, expect: {body: hi}}]}
  - push: {to: [reg.example/acme/hello], tags: [latest]}
  - operate: {publish: 8000}
"""
DOCKERFILE = 'FROM python:3.11-slim\nCOPY . .\nUSER 1000\nEXPOSE 5000\nCMD ["python"]\n'


class NoGit:
    """Implements what of ``Repo`` is asked outside of git."""

    def head(self, directory: str) -> None:
        return None


class NoCredentials:
    def lookup(self, host: str) -> Auth | None:
        return None


@dataclass
class Said:
    """What a command line came to."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Desk:
    """A terminal in the project's folder."""

    folder: Path
    engine: FakeEngine
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *argv: str) -> Said:
        import pipeline.cli.commands  # noqa: F401 - adds the commands
        from pipeline.cli.door import enter

        self.capsys.readouterr()
        code = enter(list(argv))
        told = self.capsys.readouterr()
        return Said(code, told.out, told.err)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def read(self, name: str = "Dockerfile") -> str:
        return (self.folder / name).read_text()

    def change(self, old: str, new: str, name: str = "pipeline.yml") -> None:
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))
