"""The run stage by itself on the real engine: what only a real one can show."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts import App, Image, Images
from pipeline.errors import Cancelled, DeadlineExceeded, PortTaken, StageFailed
from pipeline.kit.compose_model import PROJECT_LABEL
from pipeline.ports.http import HttpRequest
from pipeline.scope import Scope
from pipeline.stage import Context, Ports, Project
from stages.run import RunOptions, RunStage
from tests.engine.conftest import free_port
from tests.support.real_ports import real_ports
from tests.support.stage_context import Recorded, stage_context

pytestmark = pytest.mark.engine

PYTHON = "python:3.11-slim"
SERVE = (
    "import http.server, os, socketserver\n"
    "socketserver.TCPServer.allow_reuse_address = True\n"
    "handler = http.server.SimpleHTTPRequestHandler\n"
    "socketserver.TCPServer(('', int(os.environ.get('PORT', '8000'))), handler).serve_forever()\n"
)


WAITS: dict[str, Any] = {"healthcheck": {"test": "false", "interval": "60s"}}
"""Keeps an app from counting as up before it has had the time to fail."""


@dataclass
class Bench:
    """A project of its own on the lab's engine."""

    directory: Path
    ports: Ports = field(default_factory=real_ports)
    name: str = field(default_factory=lambda: f"run-{uuid.uuid4().hex[:8]}")
    number: int = 0
    scope: Scope = field(default_factory=lambda: Scope(120, what="test"))

    def image(self, ref: str) -> Image:
        engine = self.ports.engine
        found = engine.image(ref) or engine.pull(ref, None, lambda line: None, self.scope)
        return Image(id=found.id)

    def context(self, *, live: bool, images: dict[str, str] | None = None) -> Context:
        self.number += 1
        known = {name: self.image(ref) for name, ref in (images or {"app": PYTHON}).items()}
        ctx = stage_context(
            Images(services=known), ports=self.ports, recorded=Recorded(), directory=self.directory,
            secrets={"TOKEN": "to$ken"}, scope=self.scope, stage="run",
        )  # fmt: skip
        project = Project(self.name, ctx.project.file, self.directory, self.directory)
        run = f"20261124T020433-{self.number:04d}"
        return replace(ctx, project=project, run=run, goes_live=live)

    def serving(self, **options: Any) -> RunStage:
        return self.stage(command=["python", "-c", SERVE], **({"port": 8000} | options))

    @staticmethod
    def stage(**options: Any) -> RunStage:
        return RunStage(RunOptions.model_validate({"stop_grace_period": "1s"} | options))

    @staticmethod
    def compose(**options: Any) -> RunStage:
        return RunStage(RunOptions.model_validate({"compose": "compose.yaml"} | options))

    def get(self, app: App) -> int:
        answer = self.ports.http.request(HttpRequest(url=app.url), self.scope)
        return answer.status

    @property
    def left(self) -> list[str]:
        """Names of what the project has on the engine."""
        engine, mine = self.ports.engine, {"dockcycle.project": self.name}
        return sorted(
            item.name
            for found in (engine.containers(mine), engine.networks(mine), engine.volumes(mine))
            for item in found
        )

    def clean(self) -> None:
        engine, mine = self.ports.engine, {"dockcycle.project": self.name}
        self.ports.compose.down(
            None, project=self.name, volumes=True, on_line=lambda line: None, scope=Scope(60)
        )
        for container in engine.containers(mine):
            engine.remove(container.id, volumes=True)
        for network in engine.networks(mine):
            engine.remove_network(network.name)
        for volume in engine.volumes(mine):
            engine.remove_volume(volume.name)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.clean()


def started(stage: RunStage, ctx: Context) -> App:
    (app,) = stage.run(ctx)
    assert isinstance(app, App)
    return app


def failed(stage: RunStage, ctx: Context) -> StageFailed:
    """The failure; it must be told within seconds."""
    begun = time.monotonic()
    with pytest.raises(StageFailed) as caught:
        stage.run(ctx)
    assert time.monotonic() - begun < 10
    stage.cleanup(ctx)
    return caught.value


# one container


def test_a_candidate_answers_and_leaves_nothing(bench: Bench) -> None:
    stage = bench.serving(volumes=["data:/data"], tmpfs=["/t"], secrets=["TOKEN"])
    ctx = bench.context(live=True)
    app = started(stage, ctx)
    assert bench.get(app) == 200
    assert app.services["app"].image == bench.image(PYTHON).id
    done = bench.ports.engine.exec(
        app.services["app"].container, ["sh", "-c", "echo $TOKEN; touch /data/x /t/x"], bench.scope
    )
    assert (done.exit_code, done.output) == (0, "to$ken\n")
    assert stage.still_valid(ctx, [app])
    stage.finish(ctx)
    assert bench.left == []


@pytest.mark.parametrize(
    ("options", "message", "detail"),
    [
        ({"command": "python -c 'print(1); raise SystemExit(3)'"}, "with exit code 3", "1"),
        ({"command": "python -c 'import time; time.sleep(0.4); 1/0'", **WAITS}, "exit code 1",
         "ZeroDivi"),
        ({"command": "nowhere"}, "exit code 127", "nowhere"),
        ({"command": "python -c 'x = bytearray(10**9)'", "memory": "24m", **WAITS},
         "more memory than its limit of 24 MiB", ""),
        ({"command": "sleep 60", "healthcheck": {"test": "false", "interval": "1s", "retries": 1}},
         "app is unhealthy", ""),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_within_seconds(
    bench: Bench, options: dict[str, Any], message: str, detail: str
) -> None:
    error = failed(bench.stage(**options), bench.context(live=True))
    assert message in error.message
    assert detail in error.detail
    assert bench.left == []


def test_a_health_check_is_asked_before_its_first_regular_time(bench: Bench) -> None:
    stage = bench.serving(healthcheck={"test": "true", "interval": "60s"})
    begun = time.monotonic()
    started(stage, bench.context(live=True))
    assert time.monotonic() - begun < 15


def test_one_that_is_never_up_meets_its_deadline(bench: Bench) -> None:
    stage = bench.stage(command="sleep 60", healthcheck={"test": "false"}, start_timeout="2s")
    ctx = bench.context(live=True)
    with pytest.raises(DeadlineExceeded, match="app is not up in time"):
        stage.run(ctx)
    stage.cleanup(ctx)
    assert bench.left == []


def test_in_place_the_old_version_serves_until_and_unless_the_new_one_is_up(bench: Bench) -> None:
    port = free_port()
    first, ctx = bench.serving(port=port), bench.context(live=False)
    app = started(first, ctx)
    first.finish(ctx)
    assert app.url == f"http://localhost:{port}"
    broken = bench.stage(port=port, command="python -c '1/0'")
    failed(broken, bench.context(live=False))
    assert bench.get(app) == 200
    assert first.still_valid(ctx, [app])
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(PortTaken):
        wanted = f"{other.getsockname()[1]}:8000"
        bench.serving(ports=[wanted]).run(bench.context(live=False))
    assert bench.get(app) == 200
    second, ctx = bench.serving(port=port, env={"NEW": "1"}), bench.context(live=False)
    app = started(second, ctx)
    second.finish(ctx)
    assert bench.get(app) == 200
    found = bench.ports.engine.inspect(bench.name)
    assert found is not None
    assert (found.restart, found.environment["NEW"]) == ("unless-stopped", "1")
    assert bench.left == [f"dockcycle-{bench.name}-in-place-{ctx.run}", bench.name]


# Compose


SHOP = """\
services:
  web:
    image: web
    build: {{context: .}}
    command: [python, -c, {serve}]
    ports: ["{port}:8000"]
    depends_on:
      migrate: {{condition: service_completed_successfully}}
      db: {{condition: service_healthy}}
    restart: unless-stopped
    networks: [inner, edge]
    configs: [greeting]
    secrets: [token]
    container_name: {name}-fixed
    stop_grace_period: 1s
  migrate:
    build: {{context: .}}
    command: sh -c "{migrate}"
    networks: [inner]
  db:
    build: {{context: .}}
    command: sh -c "sleep 1; touch /data/ready; exec sleep 600"
    init: true
    healthcheck: {{test: [CMD, test, -e, /data/ready], interval: 1s}}
    volumes: [data:/data]
    networks: [inner]
    stop_grace_period: 1s
  tool:
    image: busybox
    profiles: [tools]
networks:
  inner: {{ipam: {{config: [{{subnet: 10.213.77.0/24}}]}}}}
  edge: {{}}
volumes:
  data: {{}}
configs:
  greeting: {{content: "hello $$you"}}
secrets:
  token: {{environment: TOKEN}}
"""
IMAGES = {"web": PYTHON, "migrate": PYTHON, "db": PYTHON}


def write(bench: Bench, port: int, migrate: str = "exit 0") -> None:
    text = SHOP.format(serve=json.dumps(SERVE), port=port, name=bench.name, migrate=migrate)
    (bench.directory / "compose.yaml").write_text(text)


def test_a_compose_candidate_beside_its_live_project(bench: Bench) -> None:
    port = free_port()
    write(bench, port)
    live, ctx = bench.compose(), bench.context(live=False, images=IMAGES)
    app = started(live, ctx)
    live.finish(ctx)
    assert bench.get(app) == 200
    before = bench.left
    stage, ctx = bench.compose(), bench.context(live=True, images=IMAGES)
    candidate = started(stage, ctx)
    assert bench.get(candidate) == 200
    assert candidate.url != app.url
    assert candidate.services["migrate"].one_shot
    done = bench.ports.engine.exec(
        candidate.services["web"].container,
        ["sh", "-c", f"cat /greeting /run/secrets/token; getent hosts db {bench.name}-fixed"],
        bench.scope,
    )
    assert done.exit_code == 0, done.output
    assert done.output.startswith("hello $youto$ken")
    assert "to$ken" not in candidate.model_dump_json()
    stage.finish(ctx)
    assert bench.left == before
    assert bench.get(app) == 200
    assert live.still_valid(ctx, [App.model_validate_json(app.model_dump_json())])


def test_a_one_shot_that_fails_is_told_with_its_log(bench: Bench) -> None:
    write(bench, free_port(), migrate="echo no such table; exit 4")
    ctx = bench.context(live=True, images=IMAGES)
    error = failed(bench.compose(), ctx)
    assert error.message.startswith("migrate ended")
    assert "exit code 4" in error.message
    assert error.detail == "no such table"
    assert bench.left == []
    assert bench.ports.engine.containers({PROJECT_LABEL: f"{bench.name}-candidate-0001"}) == []


def test_a_compose_project_in_place_comes_back(bench: Bench) -> None:
    port = free_port()
    write(bench, port)
    stage, ctx = bench.compose(), bench.context(live=False, images=IMAGES)
    app = started(stage, ctx)
    stage.finish(ctx)
    databases = app.services["db"].container
    write(bench, port, migrate="exit 4")
    failed(bench.compose(), bench.context(live=False, images=IMAGES))
    assert bench.get(app) == 200
    found = bench.ports.engine.inspect(f"{bench.name}-db-1")
    assert found is not None
    assert found.id == databases


# interrupted


@pytest.mark.parametrize("kind", ["container", "compose"])
def test_an_interrupted_start_leaves_nothing(bench: Bench, kind: str) -> None:
    write(bench, free_port(), migrate="sleep 60")
    stuck = bench.stage(command="sleep 60", healthcheck={"test": "false"}, volumes=["d:/d"])
    stage = stuck if kind == "container" else bench.compose()
    images = None if kind == "container" else IMAGES
    ctx = bench.context(live=True, images=images).within(60, "the stage")
    ctrl_c = threading.Timer(3, ctx.scope.cancel)
    ctrl_c.start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        stage.run(ctx)
    assert time.monotonic() - begun < 8
    stage.cleanup(replace(ctx, scope=Scope(30)))
    assert bench.left == []


def test_a_service_may_fail_until_what_it_needs_is_there(bench: Bench) -> None:
    (bench.directory / "compose.yaml").write_text(PATIENT)
    stage, ctx = bench.compose(), bench.context(live=True, images={"web": PYTHON, "db": PYTHON})
    app = started(stage, ctx)
    assert set(app.services) == {"web", "db"}
    found = bench.ports.engine.inspect(app.services["web"].container)
    assert found is not None
    assert found.restarts > 0
    stage.cleanup(ctx)
    assert bench.left == []


PATIENT = """\
services:
  web:
    build: {context: .}
    command: sh -c "getent hosts db && test -e /shared/ready && exec sleep 600"
    volumes: [shared:/shared]
    restart: always
    healthcheck: {test: [CMD, test, -e, /shared/ready], interval: 1s}
    stop_grace_period: 1s
  db:
    build: {context: .}
    command: sh -c "sleep 1; touch /shared/ready; exec sleep 600"
    volumes: [shared:/shared]
    restart: always
    stop_grace_period: 1s
volumes: {shared: {}}
"""
