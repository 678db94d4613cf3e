"""What only the fake can do: be told how to behave."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pipeline.adapters.fake_engine import FakeClock, FakeEngine, Program, says
from pipeline.errors import EngineUnavailable, PortTaken, RegistryUnavailable, StageFailed
from pipeline.ports.engine import BuildRequest, BuildStep, ContainerSpec, Health, Port
from pipeline.ports.http import HttpFailure, HttpRequest, HttpResponse
from pipeline.ports.registry import Auth
from pipeline.scope import Scope

PORT = Port(container=80, host_ip="127.0.0.1")


class Deaf:
    def step(self, step: BuildStep) -> None: ...
    def line(self, step: str, text: str) -> None: ...
    def notice(self, message: str, hint: str) -> None: ...


def scope() -> Scope:
    return Scope(10, what="test")


def build(engine: FakeEngine, context: Path, text: str = "FROM x\nEXPOSE 80\n", **more: str) -> str:
    fields = {"context": str(context), "dockerfile_text": text, **more}
    request = BuildRequest.model_validate(fields)
    return engine.build(request, Deaf(), scope()).id


def started(engine: FakeEngine, context: Path, name: str = "app", **more: object) -> int:
    """The host port of a running container of a fresh image."""
    fields = {"image": build(engine, context), "name": name, "ports": (PORT,), **more}
    engine.create(ContainerSpec.model_validate(fields))
    engine.start(name)
    info = engine.inspect(name)
    assert info is not None
    return info.ports[0].host_port if info.ports else 0


def get(engine: FakeEngine, port: int, timeout: float = 5) -> HttpResponse:
    request = HttpRequest(url=f"http://127.0.0.1:{port}/x", timeout=timeout)
    return engine.http.request(request, scope())


def test_an_image_keeps_the_program_that_it_was_built_with(tmp_path: Path) -> None:
    engine = FakeEngine(answer=says("old"))
    old = started(engine, tmp_path, "old")
    (tmp_path / "app.py").write_text("changed")
    engine.behave(Program(answer=lambda request: says(request.url[-2:], status=500)))
    new = started(engine, tmp_path, "new")
    assert get(engine, old).body == b"old"
    assert (get(engine, new).status, get(engine, new).body) == (500, b"/x")


def test_http_ends_with_the_container(tmp_path: Path) -> None:
    engine = FakeEngine(answer=says("hi", seconds=2))
    port = started(engine, tmp_path)
    engine.http.tcp("127.0.0.1", port, 1)
    assert not engine.http.port_free("127.0.0.1", port)
    with pytest.raises(HttpFailure) as slow:
        get(engine, port, timeout=1)
    assert slow.value.kind == "timeout"
    engine.stop("app")
    with pytest.raises(HttpFailure) as gone:
        get(engine, port)
    assert gone.value.kind == "absent"
    with pytest.raises(HttpFailure):
        engine.http.tcp("127.0.0.1", port, 1)
    assert engine.http.port_free("127.0.0.1", port)


def test_health_takes_as_many_looks_as_told(tmp_path: Path) -> None:
    check = Health(test=("CMD", "true"))

    def looks(engine: FakeEngine) -> list[str]:
        engine.create(ContainerSpec(image=build(engine, tmp_path), name="app", health=check))
        engine.start("app")
        return [info.health for info in (engine.inspect("app") for _ in range(4)) if info]

    assert looks(FakeEngine(unhealthy_for=2)) == ["starting", "starting", "healthy", "healthy"]
    assert looks(FakeEngine(unhealthy_for=math.inf)) == ["unhealthy"] * 4


def test_a_program_can_end_at_once(tmp_path: Path) -> None:
    engine = FakeEngine(exits_with=2, log_lines=["boom"])
    started(engine, tmp_path)
    info = engine.inspect("app")
    assert info is not None
    assert (info.state, info.exit_code) == ("exited", 2)
    assert list(engine.logs("app", scope=scope())) == ["boom"]


@pytest.mark.parametrize(
    ("policy", "state", "restarts"),
    [("no", "exited", 0), ("always", "running", 1), ("on-failure:1", "running", 1)],
)
def test_a_crash_is_followed_by_the_policy(
    tmp_path: Path, policy: str, state: str, restarts: int
) -> None:
    engine = FakeEngine()
    started(engine, tmp_path, restart=policy)
    engine.crash("app")
    info = engine.inspect("app")
    assert info is not None
    assert (info.state, info.restarts) == (state, restarts)
    engine.crash("app") if policy == "on-failure:1" else None
    info = engine.inspect("app")
    assert info is not None
    assert info.running == (policy == "always")


@pytest.mark.parametrize(
    ("policy", "stopped", "running"),
    [
        ("no", False, False),
        ("unless-stopped", False, True),
        ("unless-stopped", True, False),
        ("always", True, True),
    ],
)
def test_an_engine_that_restarts_brings_back_what_it_should(
    tmp_path: Path, policy: str, stopped: bool, running: bool
) -> None:
    engine = FakeEngine()
    started(engine, tmp_path, restart=policy)
    if stopped:
        engine.stop("app")
    engine.restart_engine()
    info = engine.inspect("app")
    assert info is not None
    assert info.running == running


def test_failures_are_shown_when_told_to(tmp_path: Path) -> None:
    engine = FakeEngine(build_error=StageFailed("RUN make failed"))
    with pytest.raises(StageFailed, match="RUN make failed"):
        build(engine, tmp_path)
    engine = FakeEngine()
    engine.registries["r.example"] = None
    image = build(engine, tmp_path)
    engine.tag(image, "r.example/app:1")
    engine.fail("push", RegistryUnavailable("503"), RegistryUnavailable("502"))
    for _ in range(2):
        with pytest.raises(RegistryUnavailable):
            engine.push("r.example/app:1", None, print, scope())
    digest = engine.push("r.example/app:1", None, print, scope())
    manifest = engine.registry.manifest("r.example/app:1", None, scope())
    assert manifest is not None
    assert (manifest.digest, manifest.config) == (digest, image)
    assert [call[0] for call in engine.state.calls].count("push") == 3
    with pytest.raises(RegistryUnavailable):
        FakeEngine(fail_push=RegistryUnavailable("down")).push("x:1", None, print, scope())


def test_an_engine_can_be_gone_and_come_back() -> None:
    engine = FakeEngine(unavailable=True)
    with pytest.raises(EngineUnavailable):
        engine.info()
    engine.state.unavailable = False
    assert engine.info().id == "fake-engine"


def test_a_port_can_belong_to_someone_else(tmp_path: Path) -> None:
    engine = FakeEngine(port_taken=[8080])
    taken = Port(container=80, host_port=8080)
    engine.create(ContainerSpec(image=build(engine, tmp_path), name="app", ports=(taken,)))
    with pytest.raises(PortTaken, match="8080 is in use by something else"):
        engine.start("app")
    assert not engine.http.port_free("", 8080)


def test_a_published_image_can_be_pulled_and_serves_as_a_registry() -> None:
    engine = FakeEngine()
    engine.publish("registry:2")
    image = engine.pull("registry:2", None, print, scope())
    port = Port(container=5000, host_port=5000, host_ip="127.0.0.1")
    engine.create(ContainerSpec(image=image.id, name="registry", ports=(port,)))
    engine.tag(image.id, "localhost:5000/copy:1")
    with pytest.raises(RegistryUnavailable):
        engine.push("localhost:5000/copy:1", None, print, scope())
    engine.start("registry")
    assert engine.registry.ping("localhost:5000", scope())
    assert engine.push("localhost:5000/copy:1", Auth(), print, scope()).startswith("sha256:")


def test_the_same_source_is_the_same_image(tmp_path: Path) -> None:
    engine = FakeEngine()
    first = build(engine, tmp_path)
    assert build(engine, tmp_path) == first
    assert build(engine, tmp_path, target="other") != first
    (tmp_path / "app.py").write_text("changed")
    assert build(engine, tmp_path) != first


def test_sleeping_takes_no_time() -> None:
    clock = FakeClock()
    before = clock.now()
    clock.sleep(3600, scope())
    assert (clock.now() - before).total_seconds() == clock.monotonic() == 3600
