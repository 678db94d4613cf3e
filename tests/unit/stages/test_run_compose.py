import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts import App
from pipeline.errors import (
    ConfigError,
    EngineRefused,
    NotFound,
    PortTaken,
    StageFailed,
    UsageError,
)
from pipeline.events import Notice
from pipeline.kit.compose_model import PROJECT_LABEL, SERVICE_LABEL
from pipeline.ports.engine import ContainerSpec, Health
from pipeline.stage import Context
from stages.run import RunStage
from tests.support.run import RunBench

FILE = """\
services:
  web:
    build: {context: .}
    ports: [{target: 8000, published: "8020"}]
    environment: {DB: "pg://${PG}@db", MODE: "${MODE}"}
    depends_on:
      db: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
    restart: unless-stopped
    networks: {default: null}
  migrate:
    build: {context: .}
    command: [job]
    networks: {default: null}
  db:
    image: postgres:16
    restart: unless-stopped
    volumes: [{type: volume, source: data, target: /data}]
    networks: {default: null}
networks: {default: {}}
volumes: {data: {}}
"""
BUILT = ("web", "migrate")
CANDIDATE = "hello-candidate-0001"


@pytest.fixture
def bench(tmp_path: Path) -> RunBench:
    (tmp_path / "compose.yaml").write_text(FILE)
    made = RunBench(tmp_path)
    made.engine.publish("postgres:16")
    return made


def context(bench: RunBench, number: int = 1, *, live: bool = True) -> Context:
    return bench.context(number, live=live, services=BUILT, secrets={"PG": "p$w"}, MODE="prod")


def stage(**options: Any) -> RunStage:
    return RunBench.stage(compose="compose.yaml", **options)


def rewrite(bench: RunBench, old: str, new: str) -> None:
    assert old in FILE
    (bench.directory / "compose.yaml").write_text(FILE.replace(old, new))


# beside the live one


def test_a_candidate_is_a_project_of_its_own(bench: RunBench) -> None:
    subject, ctx = stage(), context(bench)
    app = bench.start(subject, ctx)
    assert bench.states == {
        f"{CANDIDATE}-db-1": "running", f"{CANDIDATE}-migrate-1": "exited",
        f"{CANDIDATE}-web-1": "running",
    }  # fmt: skip
    assert (app.kind, app.main, app.in_place) == ("compose", "web", False)
    assert {name for name, state in app.services.items() if state.one_shot} == {"migrate"}
    (port,) = bench.containers()[f"{CANDIDATE}-web-1"].ports
    assert (port.container, port.host_ip) == (8000, "127.0.0.1")
    assert app.url == f"http://localhost:{port.host_port}"
    assert app.services["web"].endpoints[8000].port == port.host_port
    assert list(bench.engine.state.volumes) == [f"{CANDIDATE}_data"]
    for _ in range(2):
        subject.finish(ctx)
    assert (bench.states, bench.engine.state.volumes, bench.engine.state.networks) == ({}, {}, {})


def test_images_are_used_by_id_and_the_rest_is_pulled_first(bench: RunBench) -> None:
    bench.start(stage(), context(bench))
    (model,) = bench.compose.ups
    images = {name: service["image"] for name, service in model["services"].items()}
    assert images["web"] == images["migrate"] == bench.image
    pulled = bench.engine.image("postgres:16")
    assert pulled is not None
    assert images["db"] == pulled.id
    assert ("pull", "postgres:16") in bench.recorded.journal.done


def test_an_image_that_may_not_be_pulled_is_missed(bench: RunBench) -> None:
    rewrite(bench, "    image: postgres:16", "    image: postgres:16\n    pull_policy: never")
    with pytest.raises(NotFound, match="pull_policy: never"):
        stage().run(context(bench))


def test_the_record_has_references_and_compose_gets_values(bench: RunBench) -> None:
    app = bench.start(stage(), context(bench))
    assert app.spec["services"]["web"]["environment"] == {
        "DB": "pg://{secret:PG}@db",
        "MODE": "prod",
    }
    assert "p$w" not in app.model_dump_json()
    (model,) = bench.compose.ups
    assert model["services"]["web"]["environment"]["DB"] == "pg://p$$w@db"
    assert App.model_validate_json(app.model_dump_json()) == app


def test_a_secret_from_the_environment_must_be_one_of_the_pipeline(bench: RunBench) -> None:
    rewrite(bench, "volumes: {data: {}}", "volumes: {data: {}}\nsecrets: {t: {environment: TOK}}")
    with pytest.raises(ConfigError, match="no secret of pipeline") as caught:
        stage().run(context(bench))
    assert "secrets: {TOK: {env: TOK}}" in caught.value.problems[0].hint
    assert bench.states == {}


def test_the_service_behind_a_failure_is_named_with_its_log(bench: RunBench) -> None:
    rewrite(bench, "command: [job]", "command: [broken]")
    subject, ctx = stage(), context(bench)
    with pytest.raises(StageFailed, match=r"migrate ended .* with exit code 1") as caught:
        subject.run(ctx)
    assert caught.value.detail == "Traceback\nboom"
    subject.cleanup(ctx)
    assert (bench.states, bench.engine.state.networks) == ({}, {})


def test_a_failure_of_compose_itself_is_passed_on(bench: RunBench) -> None:
    bench.compose.fail(StageFailed("Compose could not start it: no space left"))
    with pytest.raises(StageFailed, match="no space left"):
        stage().run(context(bench))


def test_what_cannot_be_doubled_is_refused_before_anything_is_made(bench: RunBench) -> None:
    rewrite(bench, "    image: postgres:16", "    image: postgres:16\n    network_mode: host")
    with pytest.raises(ConfigError) as caught:
        stage().run(context(bench))
    assert caught.value.problems[0].where.file == str(bench.directory / "compose.yaml")
    assert bench.states == {}


def test_what_is_shared_is_told(bench: RunBench) -> None:
    rewrite(bench, "volumes: {data: {}}", "volumes: {data: {external: true, name: theirs}}")
    bench.start(stage(), context(bench))
    (notice,) = bench.recorded.of(Notice)
    assert "theirs is the live app's too" in notice.message
    assert notice.where.key == "services.db.volumes"


def test_only_the_services_that_are_asked_for(bench: RunBench) -> None:
    app = bench.start(stage(services=["db"]), context(bench))
    assert (list(app.services), app.main, app.url) == (["db"], "db", "")


def test_the_main_service_can_be_named_and_must_exist(bench: RunBench) -> None:
    assert bench.start(stage(main="db"), context(bench)).main == "db"
    with pytest.raises(UsageError, match="`main: wbe` is no service") as caught:
        stage(main="wbe").run(context(bench))
    assert "web" in caught.value.hint


def test_a_candidate_of_a_killed_attempt_makes_room(bench: RunBench) -> None:
    bench.start(stage(), context(bench))
    before = set(bench.engine.state.containers)
    bench.start(stage(), context(bench))
    assert not before & set(bench.engine.state.containers)
    assert len(bench.states) == 3


def test_the_fingerprint_follows_file_variables_and_secrets(bench: RunBench) -> None:
    def print_of(**more: Any) -> str | None:
        known: dict[str, Any] = {"secrets": {"PG": "p"}, "MODE": "prod"} | more
        return stage().fingerprint(bench.context(live=True, services=BUILT, **known))

    seen = {print_of(), print_of(secrets={"PG": "q"}), print_of(MODE="test")}
    rewrite(bench, "[job]", "[job, more]")
    assert len(seen | {print_of()}) == 4
    assert print_of() == print_of()


# in place


def good(bench: RunBench, number: int = 1) -> tuple[RunStage, Context, App]:
    subject, ctx = stage(), context(bench, number, live=False)
    app = bench.start(subject, ctx)
    subject.finish(ctx)
    assert subject.still_valid(ctx, [App.model_validate_json(app.model_dump_json())])
    return subject, ctx, app


def ids(bench: RunBench) -> dict[str, str]:
    return {info.labels[SERVICE_LABEL]: info.id for info in bench.containers().values()}


def test_in_place_it_is_the_users_project(bench: RunBench) -> None:
    _, _, app = good(bench)
    found = bench.containers()["hello-web-1"]
    assert (found.ports[0].host_port, found.restart) == (8020, "unless-stopped")
    assert (found.labels[PROJECT_LABEL], found.labels["dockcycle.role"]) == ("hello", "in-place")
    assert "dockcycle.run" not in found.labels
    assert (app.in_place, app.url) == (True, "http://localhost:8020")
    assert "hello_data" in bench.engine.state.volumes


def test_what_has_not_changed_is_not_started_again(bench: RunBench) -> None:
    good(bench)
    before = ids(bench)
    rewrite(bench, "MODE: ", "NEW: ")
    good(bench, 2)
    after = ids(bench)
    assert (before["db"], before["migrate"]) == (after["db"], after["migrate"])
    assert before["web"] != after["web"]


def test_what_is_unhealthy_is_started_again(bench: RunBench) -> None:
    good(bench)
    sick = bench.engine.state.containers[ids(bench)["db"]]
    healthy = sick.program
    sick.program = replace(healthy, unhealthy_for=math.inf)
    sick.spec = sick.spec.model_copy(update={"health": Health(test=("CMD", "x"))})
    with pytest.raises(StageFailed):
        stage().run(context(bench, 2, live=False))
    assert ("restart", "hello-db-1") in bench.recorded.journal.done
    sick.program = healthy
    good(bench, 3)
    assert ids(bench)["db"] == sick.id


def test_the_old_state_comes_back_when_the_new_one_fails(bench: RunBench) -> None:
    good(bench)
    before = ids(bench)
    rewrite(bench, "restart: unless-stopped\n    networks", "command: [broken]\n    networks")
    subject, ctx = stage(), context(bench, 2, live=False)
    with pytest.raises(StageFailed, match="web ended"):
        subject.run(ctx)
    for _ in range(2):
        subject.cleanup(ctx)
        assert bench.states["hello-web-1"] == "running"
        assert bench.containers()["hello-web-1"].restart == "unless-stopped"
    assert ids(bench)["db"] == before["db"]


def test_a_first_run_that_fails_leaves_only_its_data(bench: RunBench) -> None:
    rewrite(bench, "command: [job]", "command: [broken]")
    subject, ctx = stage(), context(bench, live=False)
    with pytest.raises(StageFailed):
        subject.run(ctx)
    subject.cleanup(ctx)
    assert (bench.states, bench.engine.state.networks) == ({}, {})
    assert list(bench.engine.state.volumes) == ["hello_data"]


def test_cleanup_before_run_touches_nothing(bench: RunBench) -> None:
    stage().cleanup(context(bench, live=False))
    assert (bench.compose.ups, bench.recorded.journal.begun) == ([], [])


def test_a_taken_port_is_found_before_anything_is_touched(bench: RunBench) -> None:
    bench.engine.state.port_taken.add(8020)
    with pytest.raises(PortTaken, match="8020"):
        stage().run(context(bench, live=False))
    assert bench.compose.ups == []


def test_its_own_ports_are_not_taken(bench: RunBench) -> None:
    good(bench)
    good(bench, 2)
    assert bench.states["hello-web-1"] == "running"


@pytest.mark.parametrize("live", [False, True])
def test_a_project_that_others_started_is_not_touched(bench: RunBench, live: bool) -> None:
    labels = {PROJECT_LABEL: "hello", SERVICE_LABEL: "web"}
    bench.engine.create(ContainerSpec(image=bench.image, name="hello-web-1", labels=labels))
    with pytest.raises(EngineRefused, match="did not start") as caught:
        stage().run(context(bench, live=live))
    assert "docker compose -p hello down" in caught.value.hint
    assert bench.compose.ups == []


def test_one_kind_does_not_replace_the_other_in_place(bench: RunBench) -> None:
    good(bench)
    with pytest.raises(EngineRefused, match="runs in place as a compose"):
        bench.stage(port=5000).run(bench.context(2))


def test_validity_ends_when_a_service_ends(bench: RunBench) -> None:
    subject, ctx, app = good(bench)
    bench.engine.stop("hello-db-1")
    assert not subject.still_valid(ctx, [app])
    bench.engine.start("hello-db-1")
    assert subject.still_valid(ctx, [app])
    changed = app.model_copy(update={"spec": json.loads('{"services": {}}')})
    assert not subject.still_valid(ctx, [changed])
