from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipeline.server.loading import load
from pipeline.server.state import State
from pipeline.server.web import create_app

SECRET = "it-is-a-secret-to-everybody"
FILE = """\
secrets:
  HOOK: {env: HOOK}
  TOKEN: {env: TOKEN}
token: TOKEN
projects:
  - name: hello
    repository: REPOSITORY
    secret: HOOK
    sender: [github, gitlab, gitea, bitbucket, generic, registry]
    tags: ["v*"]
    images: [python]
"""


@pytest.fixture
def state(tmp_path: Path) -> State:
    file = tmp_path / "serve.yml"
    file.write_text(FILE.replace("REPOSITORY", str(tmp_path / "origin.git")))
    variables = {
        "HOOK": SECRET,
        "TOKEN": "let-me-in-let-me-in",
        "DOCKCYCLE_HOME": str(tmp_path / "home"),
        "DOCKER_HOST": f"unix://{tmp_path}/no-engine.sock",
    }
    return State(load(file, variables))


@pytest.fixture
def client(state: State) -> Iterator[TestClient]:
    with TestClient(create_app(state)) as started:
        yield started
