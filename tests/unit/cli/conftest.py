from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from pipeline.adapters.fake_engine import FakeClock, FakeEngine, says
from pipeline.adapters.shell import LocalShell
from pipeline.ports import Compose, Credentials, Repo
from pipeline.stage import Ports
from tests.support.desk import DOCKERFILE, PIPELINE, Desk, NoCredentials, NoGit


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine(answer=says("hi"))
    made.registries["reg.example"] = None
    made.publish("caddy:2")
    return made


@pytest.fixture
def desk(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:  # fmt: skip
    folder = tmp_path / "hello"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "DOCKER"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOCKCYCLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(folder)
    ports = Ports(
        engine=engine, compose=cast(Compose, None), registry=engine.registry,
        credentials=cast(Credentials, NoCredentials()), repo=cast(Repo, NoGit()),
        http=engine.http, shell=LocalShell(), clock=FakeClock(),
    )  # fmt: skip
    monkeypatch.setattr("pipeline.app.adapters.real_ports", lambda environ: ports)
    made = Desk(folder, engine, capsys)
    made.write("pipeline.yml", PIPELINE)
    made.write("Dockerfile", DOCKERFILE)
    made.write("app.py", "print('hi')\n")
    return made


FLASK = "from flask import Flask\napp = Flask(__name__)\n"


@pytest.fixture
def flask(desk: Desk) -> Desk:
    """A Flask app without a Dockerfile."""
    (desk.folder / "Dockerfile").unlink()
    desk.write("app.py", FLASK)
    desk.write("requirements.txt", "flask==3.1.3\ngunicorn==23.0.0\n")
    return desk
