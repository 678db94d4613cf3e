"""One app through all eight stages: what was tested is what was pushed and what serves."""

from __future__ import annotations

import json
import sqlite3

import docker
import pytest
import requests

from tests.engine.conftest import AppUnderTest, candidates

pytestmark = pytest.mark.engine


def test_the_tested_image_is_pushed_and_serves(
    app: AppUnderTest, engine: docker.DockerClient
) -> None:
    done = app.run()
    assert done.code == 0, done.text
    assert app.get().text == "good"

    evidence = app.latest()["artifacts"]
    tested = evidence["SmokeReport"]["images"]["app"]
    pushed = evidence["PushedImages"]["services"]["app"][0]
    live = engine.containers.get(f"{app.name}-{evidence['Release']['id']}")
    assert tested == evidence["Images"]["services"]["app"]["id"] == live.image.id
    host, _, repository = pushed["ref"].rpartition(":")[0].partition("/")
    manifest = requests.get(
        f"http://{host}/v2/{repository}/manifests/{pushed['digest']}",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json,"
                           "application/vnd.oci.image.manifest.v1+json"},
        timeout=10,
    ).json()  # fmt: skip
    assert manifest["config"]["digest"] == pushed["config"] == tested
    assert app.git("show", "--stat", "--format=%s", evidence["GitRecord"]["tag"] or "HEAD")
    assert candidates(engine, app.name) == []


def test_a_second_run_has_nothing_to_do_and_a_change_only_what_follows(app: AppUnderTest) -> None:
    assert app.run().code == 0
    planned = app.command("plan", "--json")
    assert planned.code == 0, planned.text
    again = app.run()
    assert again.code == 0, again.text
    statuses = {stage["key"]: stage["status"] for stage in app.latest()["stages"]}
    assert set(statuses.values()) == {"reused"}

    app.write('"good too"')
    assert app.command("plan").code == 2
    assert app.run().code == 0
    assert app.get().text == "good too"
    assert app.latest()["artifacts"]["Release"]["id"] == "r2"


def test_json_output_is_the_events_and_ends_with_the_result(app: AppUnderTest) -> None:
    done = app.command("run", "--output", "json")
    assert done.code == 0, done.text
    events = done.events
    assert events[0]["type"] == "run_started"
    last = events[-1]
    assert (last["type"], last["status"]) == ("run_finished", "passed")
    assert last["run"] == app.latest()["id"]
    assert {e["stage"] for e in events if e["type"] == "stage_finished"} == {
        "code", "dockerfile", "build", "run", "smoke", "push", "track", "operate",
    }  # fmt: skip


def test_a_client_with_an_empty_store_sees_the_same_and_can_roll_back(app: AppUnderTest) -> None:
    assert app.run().code == 0
    app.write('"good, newer"')
    assert app.run().code == 0
    mine = app.command("status", "--json").json

    app.home = app.home.with_name("other-home")
    theirs = app.command("status", "--json").json
    assert theirs == mine
    assert theirs["release"] == "r2"

    back = app.command("rollback", "--output", "plain")
    assert back.code == 0, back.text
    assert app.get().text == "good"
    assert app.command("status", "--json").json["release"] == "r1"


def test_rollback_needs_neither_registry_nor_source(
    app: AppUnderTest, engine: docker.DockerClient
) -> None:
    assert app.run().code == 0
    before = engine.containers.get(f"{app.name}-r1").image.id
    app.write('"good, newer"')
    assert app.run().code == 0
    (app.directory / "app.py").unlink()
    (app.directory / "Dockerfile").unlink()

    assert app.command("rollback", "r1", "--output", "plain").code == 0
    assert app.get().text == "good"
    assert engine.containers.get(f"{app.name}-r1").image.id == before


def test_only_the_newest_releases_are_kept(app: AppUnderTest, engine: docker.DockerClient) -> None:
    for number in range(1, 6):
        app.write(f'"good {number}"')
        done = app.run()
        assert done.code == 0, done.text
    status = app.command("status", "--json").json
    assert (status["release"], status["releases"]) == ("r5", ["r5", "r4", "r3"])
    names = {c.name for c in engine.containers.list(all=True, filters={"name": app.name})}
    assert names == {f"{app.name}-{one}" for one in ("r5", "r4", "r3", "front")}
    images = engine.images.list(filters={"label": f"dockcycle.project={app.name}"})
    assert len(images) == 3


def test_stop_start_restart_and_kill(app: AppUnderTest, engine: docker.DockerClient) -> None:
    assert app.run().code == 0
    assert app.command("stop").code == 0
    with pytest.raises(requests.ConnectionError):
        app.get()
    assert app.command("status", "--json").json["state"] == "stopped"
    assert app.command("start").code == 0
    assert app.get().text == "good"
    assert app.command("restart").code == 0
    assert app.get().text == "good"
    assert app.command("kill").code == 0
    assert engine.containers.get(f"{app.name}-r1").status == "exited"
    assert app.command("start").code == 0
    assert app.command("status", "--json").json["state"] == "live"


def test_the_store_is_whole_after_a_run(app: AppUnderTest) -> None:
    assert app.run().code == 0
    with sqlite3.connect(app.home / "state.db") as connection:
        open_effects = connection.execute(
            "SELECT stage, kind, key FROM effects WHERE done IS NULL"
        ).fetchall()
        states = connection.execute("SELECT status, outcome FROM runs").fetchall()
    assert open_effects == []
    assert [status for status, _ in states] == ["passed"]
    assert json.loads(states[0][1])["url"] == f"http://localhost:{app.port}"
