"""CI's engine builds and tests, a server's serves: a real SSH server in a network of its own.

The server's lab is nested in the network of the one that the tests run in, and ends with the tests.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import pytest
import trustme

from tests.engine.conftest import ROOT, AppUnderTest, end, leftovers, new_app

PIPELINE = """\
version: 1
name: {name}
stages:
  - code
  - dockerfile
  - build
  - run: {{port: 8000}}
  - smoke:
      within: 20s
      checks: [{{get: /, expect: {{status: 200, body: good}}}}]
  - operate: {{publish: {port}, keep: 3, soak: 1s, drain: 1s, engine: ADDRESS}}
"""
PATIENCE = 60.0


@dataclass
class Server:
    """An engine behind ssh, and how tests look at it: by its socket."""

    lab: str
    address: str
    path: str
    socket: str
    engine: docker.DockerClient

    def serving(self, name: str) -> list[str]:
        """Image ids of what is live there."""
        marks: Any = {"label": [f"dockcycle.project={name}", "dockcycle.role=live"]}
        return [c.attrs["Image"] for c in self.engine.containers.list(filters=marks)]


def lab(name: str, *words: str) -> str:
    """``python -m lab …`` on another lab than that of the tests."""
    argv = [sys.executable, "-m", "lab", "--name", name, *words]
    done = subprocess.run(argv, cwd=ROOT, text=True, capture_output=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def server(engine: docker.DockerClient) -> Iterator[Server]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "far")
    name = f"{os.environ['DOCKCYCLE_LAB'][:14]}-{worker}"
    lab(name, "up", "--net", "own")
    try:
        told = json.loads(lab(name, "ssh"))
        host = json.loads(lab(name, "env", "--json"))["DOCKER_HOST"]
        far = docker.DockerClient(base_url=host, timeout=60)
        yield Server(name, told["DOCKCYCLE_LAB_SSH"], told["DOCKCYCLE_LAB_SSH_PATH"], host, far)
        far.close()
    finally:
        lab(name, "down", "--purge")


@pytest.fixture
def app(tmp_path: Path, engine: docker.DockerClient, server: Server) -> Iterator[AppUnderTest]:
    made = new_app(tmp_path / "app", tmp_path / "home")
    made.environ["PATH"] = f"{server.path}:{os.environ['PATH']}"
    made.pipeline(PIPELINE.replace("ADDRESS", server.address))
    made.commit("serve elsewhere")
    yield made
    end(made, engine)
    assert leftovers(server.engine, made.name) == []


def asked(app: AppUnderTest) -> str:
    """What the app answers on the server, by its address in the lab's network."""
    found = app.command("status", "--json").json
    done = subprocess.run(
        ["curl", "-s", "--max-time", "10", found["url"]], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.engine
def test_the_tested_image_serves_on_the_server(
    app: AppUnderTest, server: Server, engine: docker.DockerClient
) -> None:
    done = app.run()
    assert done.code == 0, done.text
    assert "sending " in done.text  # it was pushed nowhere
    built = [i["Id"] for i in engine.api.images() if app.name in str(i["Labels"])]
    assert server.serving(app.name) == built
    assert asked(app) == "good"

    app.write('"bad" if self.headers["X-Forwarded-For"] else "good"')
    app.commit("bad behind the server's front only")
    bad = app.run()
    assert bad.code == 1 and "r1 serves again" in bad.text, bad.text
    assert asked(app) == "good"

    app.write('"good"', before="print('two')")
    app.commit("second")
    second = app.run()
    assert " of " in next(line for line in second.text.splitlines() if "sending " in line)
    assert second.code == 0 and "took over from r1" in second.text, second.text
    assert app.command("status", "--json").json["release"] == "r2"

    app.home = app.home.with_name("another-home")  # a colleague, who has deployed nothing
    back = app.command("rollback", "--output", "plain")
    assert back.code == 0 and "without a gap" in back.text, back.text
    assert server.serving(app.name) == built
    assert "listening" in app.command("logs").out


@pytest.mark.engine
def test_one_client_at_a_time_and_the_dead_keep_nothing(app: AppUnderTest, server: Server) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, server.socket, app.name],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    stopped = app.command("stop")
    assert stopped.code == 4 and "CI's run" in stopped.err, stopped.text
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    begun = time.monotonic()
    freed = app.command("down", "--wait", "60s")
    assert freed.code == 0, freed.text
    assert time.monotonic() - begun < PATIENCE


@pytest.fixture
def context(app: AppUnderTest, server: Server, tmp_path: Path) -> Iterator[str]:
    """The name of a docker context: the server's engine by TCP, with certificates both ways."""
    authority, host = trustme.CA(), urlsplit(server.address).hostname
    assert host is not None
    pems = {"ca": authority.cert_pem}
    for side, made in (
        ("server", authority.issue_cert(host)),
        ("client", authority.issue_cert("me")),
    ):
        folder = tmp_path / side
        folder.mkdir()
        pems |= {"cert": made.cert_chain_pems[0], "key": made.private_key_pem}
        for name, pem in pems.items():
            pem.write_to_path(folder / f"{name}.pem")
    inside = [sys.executable, "-m", "lab", "--name", server.lab, "exec", "--"]
    socket = server.socket.removeprefix("unix://")
    argv = [*inside, sys.executable, "-m", "tests.support.tls_engine", socket, tmp_path / "server"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as listening:
        assert listening.stdout is not None
        port = listening.stdout.readline().strip()
        files = ",".join(f"{name}={tmp_path / 'client' / name}.pem" for name in pems)
        create = ["docker", "context", "create", app.name, "--docker"]
        subprocess.run(
            [*create, f"host=tcp://{host}:{port},{files}"], check=True, capture_output=True
        )
        yield app.name
        subprocess.run(["docker", "context", "rm", app.name], check=True, capture_output=True)
        listening.terminate()


@pytest.mark.engine
def test_an_engine_by_a_docker_context(app: AppUnderTest, server: Server, context: str) -> None:
    app.pipeline(PIPELINE.replace("ADDRESS", context))
    app.commit("serve where the context leads")
    done = app.run()
    assert done.code == 0, done.text
    assert len(server.serving(app.name)) == 1
    assert asked(app) == "good"

    there = {"DOCKER_CONTEXT": context, "DOCKER_HOST": ""}
    app.write('"good"', before="print('built there')")
    app.pipeline(PIPELINE.replace(", engine: ADDRESS", ""))
    app.commit("build there, too")
    done = app.run(**there)
    assert done.code == 0 and "took over from r1" in done.text, done.text
    assert app.command("rollback", "--output", "plain", **there).code == 0
    assert app.command("status", "--json", **there).json["release"] == "r1"
    assert app.command("down", "--volumes", **there).code == 0


HOLDER = """\
import sys, time
from pipeline.adapters.clock import SystemClock
from pipeline.adapters.docker_engine import DockerEngine
from pipeline.kit.lease import Lease
from pipeline.scope import Scope
engine = DockerEngine.from_environment({"DOCKER_HOST": sys.argv[1]})
with Lease(engine, sys.argv[2], "ci", SystemClock()).hold("CI's run", wait=0, scope=Scope()):
    print("held", flush=True)
    time.sleep(600)
"""
