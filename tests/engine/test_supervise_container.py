"""The supervisor in a container, from the image of this very checkout."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import docker
import pytest

from tests.engine.conftest import ROOT, AppUnderTest
from tests.engine.faults import eventually
from tests.engine.guarding import container, containers, serves, started
from tests.engine.small import small_app, write_version
from tests.support.own_lab import lab, mend, require_own_lab

pytestmark = [pytest.mark.engine, pytest.mark.disruptive, pytest.mark.timeout(600)]

NAME, IMAGE = "dockcycle-supervise", "dockcycle-test:checkout"


@pytest.fixture
def boxed(tmp_path: Path, engine: docker.DockerClient) -> Iterator[AppUnderTest]:
    """An app that is live, on an engine that has the image; no supervisor is left of it."""
    require_own_lab()
    subprocess.run(["docker", "build", "-q", "-t", IMAGE, str(ROOT)], check=True, timeout=500)
    with small_app(tmp_path, engine) as app:
        write_version(app, 1)
        assert app.run().code == 0
        yield app
        mend()
        subprocess.run(["docker", "rm", "-f", NAME], check=True, timeout=60)
        subprocess.run(["docker", "volume", "rm", NAME], check=True, timeout=60)


def test_it_repairs_is_replaced_and_survives_the_engine(
    boxed: AppUnderTest, engine: docker.DockerClient
) -> None:
    install = ("supervise", "--install", "--container", "--image", IMAGE)
    only = ("--project", boxed.name)
    done = boxed.command(*install, *only)
    assert done.code == 0, done.text
    before = started(container(engine, boxed))
    container(engine, boxed).kill()
    assert eventually(lambda: started(container(engine, boxed)) > before and serves(boxed), 60)
    container(engine, boxed).remove(force=True)
    engine.containers.get(f"{boxed.name}-front").remove(force=True)
    assert eventually(partial(is_back, engine, boxed), 60), logs(engine)

    refused = boxed.command("supervise", "--once", *only)
    assert refused.code == 4
    assert f"the container {NAME}" in refused.text
    assert boxed.command("status").code == 0

    old = engine.containers.get(NAME).id
    done = boxed.command(*install, *only, "--repairs", "20")
    assert done.code == 0, done.text
    new = engine.containers.get(NAME)
    assert new.id != old
    assert new.attrs["Config"]["Cmd"] == ["supervise", *("=".join(only),), "--repairs=20"]
    assert boxed.command("prune").code == 0

    lab("restart")
    assert eventually(lambda: engine.containers.get(NAME).status == "running", 60)
    container(engine, boxed).remove(force=True)
    assert eventually(partial(is_back, engine, boxed), 60), logs(engine)


def is_back(engine: docker.DockerClient, app: AppUnderTest) -> bool:
    return bool(containers(engine, app)) and serves(app)


def logs(engine: docker.DockerClient) -> str:
    return engine.containers.get(NAME).logs().decode()
