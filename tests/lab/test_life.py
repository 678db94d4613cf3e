"""A whole lab, from up to down, with every accident that it offers to tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.process import Group

ROOT = Path(__file__).parents[2]
NAME = "life"

pytestmark = [pytest.mark.engine, pytest.mark.disruptive]


def lab(*words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "lab", words[0], "--name", NAME, *words[1:]]
    return subprocess.run(
        argv, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
    )


def docker(*words: str, timeout: float = 60) -> str:
    done = lab("exec", "--", "docker", *words, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def state() -> str:
    answer: dict[str, str] = json.loads(lab("status", "--json").stdout)
    return answer["engine"]


def up() -> None:
    done = lab("up", "--net", "own", timeout=600)
    assert done.returncode == 0, done.stderr
    assert state() == "up"


@pytest.fixture
def running() -> Iterator[None]:
    up()
    yield
    ended = lab("down", "--purge")
    assert ended.returncode == 0, ended.stderr
    assert Group(NAME).members() == []
    assert not Path(f"/run/netns/dockcycle-{NAME}").exists()
    assert f"/{NAME}/" not in Path("/proc/self/mounts").read_text()


def test_an_engine_can_be_killed_frozen_and_restarted(running: None) -> None:
    docker("run", "--detach", "--name", "keeps", "--restart=always", "busybox:1", "sleep", "999")
    pid = docker("inspect", "--format", "{{.State.Pid}}", "keeps")

    lab("kill")
    assert state() == "down"
    assert Path(f"/proc/{pid}").exists(), "a container outlives its killed engine"
    up()
    assert not Path(f"/proc/{pid}").exists(), "the engine's return ends the old containers"
    assert docker("ps", "--format", "{{.Names}}") == "keeps"

    lab("freeze")
    assert state() == "frozen"
    with pytest.raises(subprocess.TimeoutExpired):
        docker("ps", timeout=2)
    lab("thaw")
    assert state() == "up"

    docker("rm", "--force", "keeps")
    assert lab("restart").returncode == 0
    assert state() == "up"


def test_names_of_docker_hub_are_answered_and_cannot_be_changed(running: None) -> None:
    assert "registry" in docker("run", "--rm", "registry:2", "--version")
    environ = json.loads(lab("env", "--json").stdout)
    target = f"{environ['DOCKCYCLE_LAB_HUB']}/library/registry:2"
    docker("tag", "registry:2", target)
    refused = lab("exec", "--", "docker", "push", target)
    assert refused.returncode != 0


def test_the_private_registry_wants_its_password(running: None) -> None:
    environ = json.loads(lab("env", "--json").stdout)
    address = environ["DOCKCYCLE_LAB_REGISTRY"]
    password_file = Path(environ["DOCKCYCLE_LAB_REGISTRY_PASSWORD_FILE"])
    assert password_file.stat().st_mode & 0o077 == 0
    docker("pull", "--quiet", "busybox:1")
    docker("tag", "busybox:1", f"{address}/team/box:1")
    assert "no basic auth" in lab("exec", "--", "docker", "push", f"{address}/team/box:1").stderr

    login = f"docker login -u lab --password-stdin {address} < {password_file}"
    assert lab("exec", "--", "sh", "-c", login).returncode == 0
    docker("push", "--quiet", f"{address}/team/box:1")
