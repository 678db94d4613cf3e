"""Tests against the real engine of the lab: the dockcycle command on small real apps.

Every test has a state directory, a git repository and a project name of its own, and must leave
nothing of it on the engine: that is checked after each.
"""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

ROOT = Path(__file__).parents[2]
BASE = "busybox:1"
"""What most apps of these tests are built on."""


APP = '''\
"""A web server of the standard library, so that an image builds in a second."""
import http.server, json, os, signal, sys, time

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {body}
        self.send_response({status})
        self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *args):
        print(self.path, flush=True)

{before}
print("listening", flush=True)
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
'''
DOCKERFILE = """\
FROM python:3.11-slim
WORKDIR /app
COPY app.py ./
USER 65534
EXPOSE 8000
CMD ["python", "-u", "app.py"]
"""
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
  - push: {{to: [local]}}
  - track
  - operate: {{publish: {port}, keep: 3, soak: 0s}}
"""


@dataclass
class Result:
    """How the command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class AppUnderTest:
    """A small app in a git repository, and the command to ship it."""

    directory: Path
    name: str
    port: int
    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, body: str = '"good"', *, status: str = "200", before: str = "") -> None:
        """Write app.py: ``body`` and ``status`` are Python expressions, ``before`` statements that
        run before it listens."""
        text = APP.replace("{body}", body).replace("{status}", status).replace("{before}", before)
        (self.directory / "app.py").write_text(text)

    def pipeline(self, text: str) -> None:
        """Write pipeline.yml; ``{name}`` and ``{port}`` are filled in."""
        (self.directory / "pipeline.yml").write_text(text.format(name=self.name, port=self.port))

    def git(self, *args: str) -> str:
        done = subprocess.run(
            ["git", *args], cwd=self.directory, check=True, text=True, capture_output=True
        )
        return done.stdout.strip()

    def commit(self, message: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def command(self, *args: str, timeout: float = 180, **environ: str) -> Result:
        """Run ``dockcycle`` in the app's directory to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *args], cwd=self.directory, text=True,
            capture_output=True, timeout=timeout, env=self.environment(environ), check=False,
        )  # fmt: skip
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *args: str, **environ: str) -> subprocess.Popen[str]:
        """Start ``dockcycle`` and come back at once; stdout and stderr are one pipe."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *args], cwd=self.directory, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment(environ),
        )  # fmt: skip

    def run(self, *args: str, timeout: float = 180, **environ: str) -> Result:
        return self.command("run", "--output", "plain", *args, timeout=timeout, **environ)

    def get(self, path: str = "/") -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=5)

    def latest(self) -> dict[str, Any]:
        """The newest run's whole record."""
        shown = self.command("show", "latest", "--json")
        assert shown.code == 0, shown.text
        record: dict[str, Any] = shown.json
        return record

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {
            **os.environ, "DOCKCYCLE_HOME": str(self.home), "PYTHONPATH": str(ROOT),
            **self.environ, **more,
        }  # fmt: skip


def new_app(directory: Path, home: Path, name: str | None = None) -> AppUnderTest:
    """An app in a git repository of its own; call ``end`` when it has served its purpose."""
    directory.mkdir(parents=True)
    app = AppUnderTest(directory, name or f"t{uuid.uuid4().hex[:8]}", free_port(), home)
    app.write()
    (directory / "Dockerfile").write_text(DOCKERFILE)
    (directory / ".dockerignore").write_text("*\n!app.py\n")
    app.pipeline(PIPELINE)
    app.git("init", "-q", "-b", "main")
    app.git("config", "user.name", "Test")
    app.git("config", "user.email", "test@example.com")
    app.commit("first")
    return app


def end(app: AppUnderTest, engine: docker.DockerClient) -> None:
    """Take the app down; what is left of it is a failure."""
    ended = app.command("down", "--volumes")
    left = leftovers(engine, app.name)
    assert not left, f"down left {left}: {ended.text}"


def await_registry(address: str) -> None:
    """Until the registry at ``host:port``, which has just been started, answers."""
    retries = requests.adapters.Retry(connect=20, read=20, backoff_factor=0.05)
    with requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retries))
        assert session.get(f"http://{address}/v2/", timeout=5).ok


def free_port() -> int:
    """One of those that neither the kernel nor the engine gives away by itself meanwhile."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as sock:
            try:
                sock.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The lab's engine, by the SDK itself: tests look with other eyes than the code's."""
    if not os.environ.get("DOCKCYCLE_LAB"):
        pytest.fail("engine tests run inside the lab: python -m lab exec -- python -m pytest …")
    client = docker.from_env(timeout=60)
    # Builders look for a base among the engine's images first. When another test pulls it between
    # two builds of the same thing, the second finds nothing in its cache and makes another image.
    client.images.pull(BASE)
    yield client
    client.close()


@pytest.fixture
def make_app(tmp_path: Path, engine: docker.DockerClient) -> Iterator[Callable[..., AppUnderTest]]:
    """Makes apps in git repositories; what is left of them on the engine afterwards is a failure.

    ``leaves`` of an app may be set to accept what a test means to leave.
    """
    made: list[AppUnderTest] = []

    def make(name: str | None = None, *, folder: str = "app") -> AppUnderTest:
        made.append(new_app(tmp_path / folder, tmp_path / "home", name))
        return made[-1]

    yield make
    for app in made:
        end(app, engine)


@pytest.fixture
def app(make_app: Callable[..., AppUnderTest]) -> AppUnderTest:
    return make_app()


def leftovers(engine: docker.DockerClient, project: str) -> list[str]:
    """Everything on the engine that is labelled with, or named after, the project."""
    label = {"label": f"dockcycle.project={project}"}
    return sorted(
        [f"container {c.name}" for c in engine.containers.list(all=True, filters=label)]
        + [f"network {n.name}" for n in engine.networks.list(filters=label)]
        + [f"volume {v.name}" for v in engine.volumes.list(filters=label)]
        + [
            f"image {image['Id'][:19]} {image['RepoTags']}"
            for image in engine.api.images()
            if (image["Labels"] or {}).get("dockcycle.project") == project
            or any(project in tag.rpartition("/")[2] for tag in image["RepoTags"] or ())
        ]
    )


def candidates(engine: docker.DockerClient, project: str) -> list[str]:
    """Containers, networks and volumes of the project that should have gone with their run."""
    found = []
    for role in ("candidate", "check"):
        label = {"label": [f"dockcycle.project={project}", f"dockcycle.role={role}"]}
        found += [c.name for c in engine.containers.list(all=True, filters=label)]
        found += [n.name for n in engine.networks.list(filters=label)]
        found += [v.name for v in engine.volumes.list(filters=label)]
    return found
