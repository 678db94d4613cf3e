from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.errors import (
    ConfigError,
    EngineRefused,
    NotFound,
    PortTaken,
    StageFailed,
    UsageError,
)
from pipeline.events import Notice
from pipeline.ports.engine import ContainerSpec
from pipeline.scope import Scope
from pipeline.stage import Context
from stages.run import RunStage
from tests.support.run import RunBench

CANDIDATE = "hello-candidate-0001"


@pytest.fixture
def bench(tmp_path: Path) -> RunBench:
    return RunBench(tmp_path)


# options


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"compose": "compose.yaml", "env": {"A": 1}, "memory": "1g"}, "env, memory: with `comp"),
        ({"profiles": ["x"]}, "profiles: has a meaning with `compose:` only"),
        ({"nonsense": 1}, "Extra inputs"),
    ],
)
def test_keys_of_the_wrong_kind_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        RunBench.stage(**options)


# beside the live one


def test_a_candidate_is_labelled_private_and_removed_again(bench: RunBench) -> None:
    stage, ctx = bench.stage(port=8000, volumes=["data:/data"]), bench.context(live=True)
    app = bench.start(stage, ctx)
    found = bench.containers()[CANDIDATE]
    assert found.labels.items() >= {
        "dockcycle.project": "hello", "dockcycle.role": "candidate", "dockcycle.run": ctx.run,
        "dockcycle.client": "client", "dockcycle.service": "app",
    }.items()  # fmt: skip
    (port,) = found.ports
    assert (port.container, port.host_ip) == (8000, "127.0.0.1")
    assert app.services["app"].endpoints[8000].port == port.host_port
    assert app.url == f"http://localhost:{port.host_port}"
    assert (app.in_place, app.services["app"].image) == (False, bench.image)
    (volume,) = bench.engine.state.volumes.values()
    assert volume.labels["dockcycle.role"] == "candidate"
    assert bench.recorded.journal.done == [
        ("volume", volume.name), ("container", CANDIDATE), ("start", CANDIDATE),
    ]  # fmt: skip
    for _ in range(2):
        stage.finish(ctx)
    assert bench.states == {}
    assert bench.engine.state.volumes == {}


def test_the_record_has_references_and_the_container_values(bench: RunBench) -> None:
    stage = bench.stage(env={"URL": "pg://{secret:PG}@db"}, secrets=["TOKEN"])
    ctx = bench.context(live=True, secrets={"PG": "pw", "TOKEN": "tok"})
    app = bench.start(stage, ctx)
    assert ContainerSpec.model_validate(app.spec).environment == {
        "PORT": "8000", "URL": "pg://{secret:PG}@db", "TOKEN": "{secret:TOKEN}",
    }  # fmt: skip
    assert "pw" not in app.model_dump_json()
    seen = bench.containers()[CANDIDATE].environment
    assert (seen["URL"], seen["TOKEN"]) == ("pg://pw@db", "tok")


def test_an_undeclared_secret_is_found_before_anything_is_made(bench: RunBench) -> None:
    with pytest.raises(UsageError, match="no secret NOPE"):
        bench.stage(secrets=["NOPE"], volumes=["data:/d"]).run(bench.context(live=True))
    assert bench.engine.state.volumes == {}


def test_the_spec_that_is_recorded_is_not_that_of_the_candidate(bench: RunBench) -> None:
    options = {"ports": ["8080:5000"], "volumes": ["data:/d"], "labels": {"mine": "1"}}
    app = bench.start(bench.stage(**options), bench.context(live=True))
    spec = ContainerSpec.model_validate(app.spec)
    assert (spec.name, spec.restart, spec.labels) == ("hello", "unless-stopped", {"mine": "1"})
    assert spec.mounts[0].source == "hello_data"
    assert spec.ports[0].host_port == 8080


def test_a_candidate_of_a_killed_attempt_makes_room(bench: RunBench) -> None:
    bench.start(bench.stage(), bench.context(1, live=True))
    again = bench.context(1, live=True)
    bench.start(bench.stage(), again)
    assert list(bench.states) == [CANDIDATE]
    assert bench.recorded.journal.done[0] == ("sweep", "hello")


def test_a_crash_is_told_with_its_log_and_leaves_nothing(bench: RunBench) -> None:
    stage, ctx = bench.stage(command="broken"), bench.context(live=True)
    with pytest.raises(StageFailed, match=r"app ended .* with exit code 1") as caught:
        stage.run(ctx)
    assert caught.value.detail == "Traceback\nboom"
    stage.cleanup(ctx)
    assert bench.states == {}


def test_what_the_candidate_shares_is_told_with_its_key(bench: RunBench, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    bench.start(bench.stage(volumes=["./conf:/etc/app"]), bench.context(live=True))
    (notice,) = bench.recorded.of(Notice)
    assert "read-only at /etc/app" in notice.message
    assert str(notice.where).endswith("pipeline.yml (run.volumes)")


def test_a_folder_that_is_not_there_is_found_before_anything_is_made(bench: RunBench) -> None:
    with pytest.raises(ConfigError, match=r"there is no .*/conf"):
        bench.stage(volumes=["./conf:/etc/app"]).run(bench.context(live=True))
    assert bench.recorded.journal.begun == []


def test_an_engine_elsewhere_is_not_reached_on_its_loopback(
    bench: RunBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = bench.engine.info().model_copy(update={"address": "tcp://server:2376"})
    monkeypatch.setattr(bench.engine, "info", lambda: there)
    app = bench.start(bench.stage(port=5000), bench.context(live=True))
    assert app.services["app"].endpoints[5000].host == "server"
    assert bench.containers()[CANDIDATE].ports[0].host_ip == "0.0.0.0"
    (notice,) = bench.recorded.of(Notice)
    assert "open on server" in notice.message


def test_a_network_must_be_there_and_is_joined_by_name(bench: RunBench) -> None:
    with pytest.raises(NotFound, match="no network backend") as caught:
        bench.stage(network="backend").run(bench.context(live=True))
    assert "docker network create backend" in caught.value.hint
    bench.engine.create_network("backend", {})
    app = bench.start(bench.stage(network="backend"), bench.context(live=True))
    assert ContainerSpec.model_validate(app.spec).aliases == ("hello",)
    created = next(iter(bench.engine.state.containers.values()))
    assert (created.spec.network, created.spec.aliases) == ("backend", ())


def test_an_image_that_is_gone_is_said_so(bench: RunBench) -> None:
    ctx = bench.context(live=True)
    bench.engine.remove_image(bench.image, force=True)
    with pytest.raises(NotFound, match="no longer on the engine"):
        bench.stage().run(ctx)


# skipping


def test_everything_that_matters_is_in_the_fingerprint(bench: RunBench, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\n")

    def print_of(secret: str = "s", live: bool = True, **options: Any) -> str | None:
        ctx = bench.context(live=live, secrets={"S": secret})
        return bench.stage(env_file="env", secrets=["S"], **options).fingerprint(ctx)

    seen = {print_of(), print_of("t"), print_of(live=False), print_of(port=1)}
    (tmp_path / "env").write_text("A=2\n")
    assert len(seen | {print_of()}) == 5
    assert print_of() == print_of()


def test_a_candidate_is_valid_while_it_runs(bench: RunBench) -> None:
    stage, ctx = bench.stage(), bench.context(live=True)
    assert stage.scaffolding(ctx)
    app = bench.start(stage, ctx)
    assert stage.still_valid(ctx, [app])
    bench.engine.stop(CANDIDATE)
    assert not stage.still_valid(ctx, [app])
    stage.finish(ctx)
    assert not stage.still_valid(ctx, [app])
    assert not stage.still_valid(ctx, [])


# in place


def good(bench: RunBench, number: int = 1, **options: Any) -> tuple[RunStage, Context]:
    """A whole run that succeeds."""
    stage, ctx = bench.stage(**{"port": 5000, **options}), bench.context(number)
    app = bench.start(stage, ctx)
    stage.finish(ctx)
    assert stage.still_valid(ctx, [app])
    return stage, ctx


def run_of(bench: RunBench, name: str) -> str:
    return bench.containers()[name].labels["dockcycle.run"][-4:]


def test_in_place_it_has_its_declared_ports_and_policy(bench: RunBench) -> None:
    good(bench, ports=["8080:5000"], volumes=["data:/d"])
    found = bench.containers()["hello"]
    assert found.ports[0].host_port == 8080
    assert found.restart == "unless-stopped"
    assert bench.engine.state.volumes["hello_data"].labels == {
        "dockcycle.project": "hello", "dockcycle.role": "live", "dockcycle.service": "app",
    }  # fmt: skip


def test_a_new_version_replaces_the_old_one_when_the_run_has_succeeded(bench: RunBench) -> None:
    good(bench)
    stage, ctx = bench.stage(port=5000), bench.context(2)
    bench.start(stage, ctx)
    assert bench.states == {"hello-aside": "exited", "hello": "running"}
    stage.finish(ctx)
    assert bench.states == {"hello": "running"}
    assert run_of(bench, "hello") == "0002"


def test_the_old_version_comes_back_when_the_new_one_fails(bench: RunBench) -> None:
    good(bench)
    stage, ctx = bench.stage(port=5000, command="broken"), bench.context(2)
    with pytest.raises(StageFailed):
        stage.run(ctx)
    for _ in range(2):
        stage.cleanup(ctx)
        assert bench.states == {"hello": "running"}
        assert run_of(bench, "hello") == "0001"


def test_it_comes_back_too_when_a_later_stage_fails(bench: RunBench) -> None:
    good(bench)
    stage, ctx = bench.stage(port=5000), bench.context(2)
    bench.start(stage, ctx)
    stage.cleanup(ctx)
    assert (bench.states, run_of(bench, "hello")) == ({"hello": "running"}, "0001")


def test_cleanup_before_run_touches_nothing(bench: RunBench) -> None:
    good(bench)
    before = list(bench.engine.state.calls)
    bench.stage(port=5000).cleanup(bench.context(2))
    assert bench.engine.state.calls == before


class KilledError(BaseException):
    """Stands for SIGKILL."""


def test_killed_at_any_effect_the_next_run_converges(tmp_path: Path) -> None:
    for at in range(1, 20):
        bench = RunBench(tmp_path)
        good(bench, 1, volumes=["data:/d"])
        stage, ctx = bench.stage(port=5000, volumes=["data:/d"]), bench.context(2)
        finished = _killed_at(at, bench, stage, ctx)
        good(bench, 3, volumes=["data:/d"])
        assert (bench.states, run_of(bench, "hello")) == ({"hello": "running"}, "0003"), at
        assert len(bench.engine.state.volumes) == 2, at
        if finished:
            break
    assert at > 8


def test_killed_at_any_effect_a_failing_next_run_restores_the_last_good_one(
    tmp_path: Path,
) -> None:
    for at in range(1, 20):
        bench = RunBench(tmp_path)
        good(bench, 1)
        finished = _killed_at(at, bench, bench.stage(port=5000), bench.context(2))
        expected = (
            "0002" if bench.engine.volumes({"dockcycle.run": "20261124T020433-0002"}) else "0001"
        )
        stage, ctx = bench.stage(port=5000, command="broken"), bench.context(3)
        with pytest.raises(StageFailed):
            stage.run(ctx)
        stage.cleanup(ctx)
        assert (bench.states, run_of(bench, "hello")) == ({"hello": "running"}, expected), at
        if finished:
            break
    assert at > 8


def _killed_at(at: int, bench: RunBench, stage: RunStage, ctx: Context) -> bool:
    """Run and finish, killed at the ``at``-th point (before and after each effect); or through."""
    journal = bench.recorded.journal
    points = 0

    def point() -> None:
        nonlocal points
        points += 1
        if points == at:
            raise KilledError

    class Points(list[tuple[str, str]]):
        def append(self, item: tuple[str, str]) -> None:
            super().append(item)
            point()

    journal.begun, journal.done = Points(), Points()
    try:
        bench.start(stage, ctx)
        stage.finish(ctx)
    except KilledError:
        return False
    return True


def test_a_taken_port_is_found_before_the_old_one_is_touched(bench: RunBench) -> None:
    good(bench)
    bench.engine.state.port_taken.add(6000)
    with pytest.raises(PortTaken, match="6000"):
        bench.stage(ports=["6000:5000"]).run(bench.context(2))
    assert bench.recorded.journal.begun == []
    assert bench.states == {"hello": "running"}


def test_a_name_that_others_use_is_not_touched(bench: RunBench) -> None:
    foreign = bench.engine.create(ContainerSpec(image=bench.image, name="hello"))
    with pytest.raises(EngineRefused, match="did not make"):
        bench.stage(port=5000).run(bench.context())
    assert bench.engine.inspect(foreign) is not None
    assert bench.recorded.journal.begun == []


def test_a_live_release_is_not_replaced_in_place(bench: RunBench) -> None:
    labels = {"dockcycle.project": "hello", "dockcycle.role": "live"}
    bench.engine.start(
        bench.engine.create(ContainerSpec(image=bench.image, name="hello-r1", labels=labels))
    )
    with pytest.raises(EngineRefused, match="has a live release"):
        bench.stage(port=5000).run(bench.context())


def test_in_place_validity_ends_with_a_left_over(bench: RunBench) -> None:
    stage, _ = good(bench)
    ctx = bench.context(2)
    app = bench.start(stage, ctx)
    assert not stage.still_valid(ctx, [app])  # its run has not finished yet
    stage.finish(ctx)
    assert stage.still_valid(ctx, [app])
    assert not stage.scaffolding(ctx)


def test_an_app_without_a_port_is_told_to_be_one(bench: RunBench) -> None:
    bench.engine.publish("busybox:1")
    bench.image = bench.engine.pull("busybox:1", None, lambda line: None, Scope()).id
    app = bench.start(bench.stage(), bench.context(live=True))
    assert (app.url, app.services["app"].endpoints) == ("", {})
    (notice,) = bench.recorded.of(Notice)
    assert "no port is known" in notice.message
