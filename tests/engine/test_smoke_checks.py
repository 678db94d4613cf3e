"""The smoke stage on real containers: what is waited for, what is not, and what is said."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pipeline.app.adapters import real_ports
from pipeline.artifacts import App, Image, Images, ServiceState, SmokeReport
from pipeline.errors import StageFailed
from pipeline.kit import reach
from pipeline.ports.engine import ContainerSpec, Health, Port
from pipeline.scope import Scope
from pipeline.stage import Ports
from stages.smoke import SmokeOptions, SmokeStage
from tests.support.stage_context import stage_context

pytestmark = pytest.mark.engine

PYTHON = "python:3.11-slim"
SERVER = """
import http.server, json, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    notes = []
    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())
    def do_GET(self):
        path = self.path
        if path == "/": self.answer(200, "hello")
        elif path == "/slow": time.sleep(1.5); self.answer(200, "at last")
        elif path == "/away": self.answer(302, "", Location="http://192.0.2.1/")
        elif path == "/home": self.answer(302, "", Location="/")
        elif path == "/crash": print("out of luck", flush=True); import os; os._exit(7)
        elif path.startswith("/notes/"): self.answer(200, json.dumps(self.notes[int(path[7:])]))
        else: self.answer(500, "Traceback: no such table")
    def do_POST(self):
        note = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.notes.append(note)
        self.answer(201, json.dumps({"id": len(self.notes) - 1, **note}))
    def log_message(self, *args): pass
"""
LISTEN = "http.server.ThreadingHTTPServer(('', 8000), Handler).serve_forever()"
SERVE = f"{SERVER}\nprint('listening', flush=True)\n{LISTEN}"


@dataclass
class Bench:
    """Starts containers, and asks them."""

    ports: Ports
    label: str

    def start(self, code: str, *, publish: bool = True, health: Health | None = None) -> App:
        engine = self.ports.engine
        image = engine.image(PYTHON) or engine.pull(PYTHON, None, lambda line: None, Scope(120))
        container = engine.create(
            ContainerSpec(
                image=image.id, name=f"smoke-{uuid.uuid4().hex[:8]}",
                command=("python", "-c", code), labels={"test": self.label}, health=health,
                ports=(Port(container=8000, host_ip="127.0.0.1"),) if publish else (),
            )
        )  # fmt: skip
        engine.start(container)
        info = engine.inspect(container)
        assert info is not None
        state = ServiceState(
            container=container, name=info.name, image=image.id,
            endpoints=reach.endpoints(info, engine.info().address),
        )  # fmt: skip
        return App(kind="container", services={"app": state}, spec={})

    def ask(self, app: App, *checks: dict[str, object], **options: object) -> SmokeReport:
        image = Image(id=app.services["app"].image)
        context = stage_context(app, Images(services={"app": image}), ports=self.ports)
        stage = SmokeStage(SmokeOptions.model_validate({"checks": checks, **options}))
        (report,) = stage.run(context)
        assert isinstance(report, SmokeReport)
        return report

    def refused(self, app: App, *checks: dict[str, object], **options: object) -> StageFailed:
        with pytest.raises(StageFailed) as caught:
            self.ask(app, *checks, **options)
        return caught.value


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(real_ports(os.environ), uuid.uuid4().hex)
    yield made
    for container in made.ports.engine.containers({"test": made.label}):
        made.ports.engine.remove(container.id, volumes=True)


@pytest.fixture
def app(bench: Bench) -> App:
    return bench.start(SERVE)


def test_a_good_app_passes_by_default(bench: Bench, app: App) -> None:
    report = bench.ask(app)
    assert report.results[0].passed
    assert report.images == {"app": app.services["app"].image}


def test_an_app_that_takes_its_time_to_listen_is_waited_for(bench: Bench) -> None:
    app = bench.start(SERVE.replace("print(", "time.sleep(2); print("))
    (result,) = bench.ask(app, {"get": "/"}).results
    assert result.attempts > 2 and 1.5 < result.seconds < 8


def test_an_app_that_exits_is_told_within_seconds_with_code_and_log(bench: Bench) -> None:
    started = time.monotonic()
    error = bench.refused(bench.start("print('no PORT set'); raise SystemExit(3)"), {"get": "/"})
    assert "has exited with code 3" in error.message
    assert "no PORT set" in error.detail
    assert time.monotonic() - started < 5


def test_an_app_that_dies_of_a_request_is_told(bench: Bench, app: App) -> None:
    error = bench.refused(app, {"get": "/crash"})
    assert "has exited with code 7" in error.message
    assert "out of luck" in error.detail


def test_an_app_that_never_listens_gets_a_hint_and_its_log(bench: Bench) -> None:
    app = bench.start("print('idle', flush=True); import time; time.sleep(60)")
    error = bench.refused(app, {"get": "/"}, within="2s")
    assert "0.0.0.0" in error.hint and error.detail == "idle"
    error = bench.refused(app, {"post": "/", "json": {}}, within="2s")
    assert " attempts in " in error.message, "nobody can have taken it, so it is sent again"


def test_an_app_that_listens_inside_only_is_found_out(bench: Bench) -> None:
    app = bench.start(SERVE.replace("('', 8000)", "('127.0.0.1', 8000)"))
    assert "0.0.0.0" in bench.refused(app, {"get": "/"}, within="2s").hint


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ({"get": "/nowhere"}, 'expected status 2xx, got 500: "Traceback: no such table"'),
        ({"get": "/", "expect": {"body": "good bye"}},
         'expected a body with "good bye", got "hello"'),
        ({"get": "/slow", "expect": {"within": "500ms"}}, "expected an answer within 0.5 s"),
        ({"get": "/away"}, 'got 302 to "http://192.0.2.1/"'),
        ({"get": "/away", "follow_redirects": True}, "redirects to another place"),
    ],
)  # fmt: skip
def test_wrong_answers(bench: Bench, app: App, check: dict[str, object], message: str) -> None:
    error = bench.refused(app, {"get": "/"}, {**check, "retry_for": 0})
    assert message in error.message
    assert "listening" in error.detail


def test_values_travel_and_redirects_stay_home(bench: Bench, app: App) -> None:
    report = bench.ask(
        app,
        {"get": "/home", "follow_redirects": True, "expect": {"body": "hello"}},
        {"post": "/notes", "json": {"text": "milk"}, "expect": {"status": 201},
         "capture": {"id": "$.id"}},
        {"get": "/notes/{id}", "expect": {"json": {"$.text": "milk"}}},
        {"get": "/nowhere", "advisory": True, "retry_for": 0},
    )  # fmt: skip
    assert [result.passed for result in report.results] == [True, True, True, False]


def test_checks_without_http(bench: Bench, app: App) -> None:
    report = bench.ask(
        app,
        {"tcp": 8000},
        {"exec": ["python", "-c", "print('PONG')"], "expect": {"output": "PONG"}},
        {"exec": "false", "expect": {"exit_code": 1}},
        {"log": {"regex": "^listen"}},
        {"running": "1s"},
    )
    assert report.summary() == "5 of 5 checks passed"
    error = bench.refused(app, {"exec": "no-such-program"}, within="1s")
    assert "no-such-program" in error.message


def test_a_published_port_that_nobody_listens_on_is_no_success(bench: Bench) -> None:
    app = bench.start("import time; time.sleep(60)")
    assert "tcp 8000" in bench.refused(app, {"tcp": 8000}, within="1s").message


def test_a_port_that_is_not_published_is_reached_too(bench: Bench) -> None:
    app = bench.start(SERVE, publish=False)
    assert bench.ask(app, {"get": "/", "port": 8000}).results[0].passed
    assert bench.ask(app, {"tcp": 8000}).results[0].passed


def test_dockers_own_health_check_is_waited_for(bench: Bench) -> None:
    health = Health(test=("CMD", "test", "-e", "/tmp/ready"), interval=0.5, retries=30)
    code = "import time; time.sleep(1.5); open('/tmp/ready', 'w').close(); time.sleep(60)"
    app = bench.start(code, publish=False, health=health)
    (result,) = bench.ask(app).results
    assert result.passed and result.name == "app healthy" and result.attempts > 1


def test_a_one_shot_is_waited_for(bench: Bench) -> None:
    app = bench.start("import time; time.sleep(1.5)", publish=False)
    assert bench.ask(app, {"completed": True}).results[0].passed
    error = bench.refused(bench.start("raise SystemExit(4)"), {"completed": True})
    assert "expected exit code 0, got 4" in error.message
