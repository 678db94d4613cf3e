"""A supervisor at work on one project of the engine, and what it tells."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker
from docker.models.containers import Container

from tests.engine.conftest import AppUnderTest
from tests.engine.faults import eventually
from tests.engine.small import write_version

PATIENCE = 60.0
"""Seconds after which something that should happen is given up."""


class Guard:
    """``dockcycle supervise --output json``."""

    def __init__(self, app: AppUnderTest, *options: str) -> None:
        # Others have projects on this engine, and no wish to be looked after.
        argv = ("supervise", "--project", app.name, "--output", "json", *options)
        self.told: list[dict[str, Any]] = []
        self.noise: list[str] = []
        self.process = app.start(*argv)
        threading.Thread(target=self._read, daemon=True).start()
        self.until(lambda: any("keeps" in one["message"] for one in self.told))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                self.told.append(json.loads(line))
            except ValueError:
                self.noise.append(line)

    @property
    def kinds(self) -> list[str]:
        return [one["kind"] for one in self.told if one["kind"] != "noticed"]

    def until(self, holds: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait for it; a failure tells what the supervisor has told."""
        assert eventually(holds, within), [*self.told, *self.noise]
        assert self.noise == []

    def end(self) -> int:
        """As by Ctrl-C or systemd; its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def guarded(app: AppUnderTest, *options: str) -> Iterator[Guard]:
    """While a supervisor keeps the app."""
    guard = Guard(app, *options)
    try:
        yield guard
    finally:
        if guard.process.poll() is None:
            guard.end()


class Receiver:
    """A real web server that takes notifications."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        events = self.events

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                events.append(json.loads(body)["event"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Into ``events`` instead."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def container(engine: docker.DockerClient, app: AppUnderTest, service: str = "app") -> Container:
    """That of the release in force; there must be one."""
    found = containers(engine, app, service)
    assert found, f"{app.name} has no container of {service}"
    return found[0]


def containers(
    engine: docker.DockerClient, app: AppUnderTest, service: str = "app"
) -> list[Container]:
    labels = [
        f"dockcycle.project={app.name}",
        "dockcycle.role=live",
        f"dockcycle.service={service}",
    ]
    return engine.containers.list(all=True, filters={"label": labels}, ignore_removed=True)


def crash(found: Container) -> None:
    """End its program, behind the engine's back."""
    subprocess.run(["kill", "-9", str(found.attrs["State"]["Pid"])], check=True)


def started(found: Container) -> str:
    found.reload()
    return str(found.attrs["State"]["StartedAt"])


def serves(app: AppUnderTest) -> bool:
    """Does it answer well?"""
    try:
        return "good" in app.get().text
    except OSError:
        return False


SHOP = """\
services:
  web:
    build: .
    ports: ["PORT:8000"]
    depends_on: {db: {condition: service_healthy, restart: true}}
    stop_grace_period: 1s
    healthcheck: {test: ["CMD", "true"], interval: 1s}
  db:
    image: busybox:1
    command: ["sh", "-c", "rm -f /tmp/ready; sleep 2; touch /tmp/ready; exec sleep 3600"]
    init: true
    stop_grace_period: 1s
    healthcheck: {test: ["CMD", "test", "-e", "/tmp/ready"], interval: 1s, retries: 10}
    volumes: ["data:/data"]
volumes:
  data: {}
"""
"""A web service that may only start when its database, which takes a while, is healthy."""
SHOP_PIPELINE = """\
version: 1
name: {name}
stages:
  - code
  - dockerfile
  - build
  - run: {{compose: compose.yaml}}
  - smoke: {{within: 20s, checks: [{{get: /, expect: {{status: 200, body: good}}}}]}}
  - operate: {{keep: 2}}
"""


def make_shop(app: AppUnderTest) -> None:
    """Make a small app the shop, and release it."""
    (app.directory / "compose.yaml").write_text(SHOP.replace("PORT", str(app.port)))
    app.pipeline(SHOP_PIPELINE)
    write_version(app, 1)
    done = app.run()
    assert done.code == 0, done.text


def first_healthy(found: Container) -> str:
    """When its health check first succeeded since it was started; empty for not yet."""
    found.reload()
    state = found.attrs["State"]
    good = [one["End"] for one in state["Health"]["Log"] or () if one["ExitCode"] == 0]
    return min((end for end in good if end > state["StartedAt"]), default="")


def healthy(engine: docker.DockerClient, app: AppUnderTest, service: str = "app") -> bool:
    """Is there a container of that service, and is it healthy?"""
    states = [one.attrs["State"] for one in containers(engine, app, service)]
    return bool(states) and all(
        state["Running"] and state["Health"]["Status"] == "healthy" for state in states
    )
