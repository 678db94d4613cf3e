import json

import pytest

from pipeline.adapters.fake_engine import Program, says
from tests.support.desk import Desk


@pytest.fixture
def twice(desk: Desk) -> Desk:
    """Two releases, the second with another file and another Dockerfile."""
    assert desk("run", "--output", "plain").code == 0
    desk.change("EXPOSE 5000", "EXPOSE 5000\nENV A=b", "Dockerfile")
    desk.change("print('hi')", "print('ho')", "app.py")
    assert desk("run", "--output", "plain").code == 0
    return desk


def test_status(desk: Desk) -> None:
    assert desk("status").code == 1
    desk("run", "--output", "plain")
    said = desk("status")
    assert said.code == 0
    assert [line.split() for line in said.out.splitlines()[:4]] == [
        ["Project", "hello"], ["State", "live"], ["Release", "r1"],
        ["URL", "http://localhost:8000"],
    ]  # fmt: skip
    body = desk("status", "--json").json()
    assert (body["state"], body["release"], body["releases"]) == ("live", "r1", ["r1"])
    assert body["services"][0]["ports"] == ["0.0.0.0:8000->5000/tcp"]


def test_history(twice: Desk) -> None:
    newest, oldest = twice("history", "--json").json()
    assert (newest["outcome"]["release"], oldest["outcome"]["release"]) == ("r2", "r1")
    assert newest["status"] == "passed" and newest["seconds"] >= 0
    assert len(twice("history", "-n", "1", "--json").json()) == 1
    lines = twice("history", "--all").out.splitlines()
    assert lines[0].split()[:3] == ["project", "run", "status"] and len(lines) == 3


def test_history_fits_a_narrow_terminal_and_tells_rollbacks(
    twice: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert twice("rollback", "--output", "plain").code == 0
    monkeypatch.setattr("pipeline.cli.output.UNCUT", 70)
    rows = twice("history", "--json").json()
    lines = twice("history").out.splitlines()
    assert lines[0].split() == ["run", "status", "started", "took", "release"]
    assert [line.split()[0] for line in lines[1:]] == [row["id"] for row in rows]
    assert [row["what"] for row in rows] == ["rollback", "run", "run"]
    assert lines[1].endswith("r1       rollback")


def test_history_says_which_stage_failed(desk: Desk) -> None:
    desk.engine.behave(Program(exits=3))
    assert desk("run", "--output", "plain").code == 1
    [row] = desk("history", "--json").json()
    assert (row["status"], row["failed"], row["exit_code"]) == ("failed", "run", 1)
    assert desk("history").out.rstrip().endswith("run failed")


def test_a_run_has_many_names(twice: Desk) -> None:
    latest = twice("show", "--json").json()
    assert twice("show", "r2", "--json").json()["id"] == latest["id"]
    assert twice("show", latest["id"][-8:], "--json").json()["id"] == latest["id"]
    assert twice("show", "r1", "--json").json()["id"] != latest["id"]
    missing = twice("show", "r9")
    assert missing.code == 1 and "dockcycle history" in missing.err


def test_the_record_proves_what_was_tested_and_pushed(twice: Desk) -> None:
    record = twice("show", "latest", "--json").json()
    artifacts = record["artifacts"]
    image = artifacts["Images"]["services"]["app"]["id"]
    assert artifacts["SmokeReport"]["images"] == {"app": image}
    assert artifacts["PushedImages"]["services"]["app"][0]["config"] == image
    assert artifacts["Release"]["images"] == {"app": image}
    assert record["status"] == "passed" and record["effects"]


def test_show_as_it_was(twice: Desk) -> None:
    picture = twice("show").out
    assert "✓ build" in picture and "hello r2 is live" in picture
    assert twice("show", "--log").out.splitlines()[-1].startswith("dockcycle  │ passed")
    events = twice("show", "--events").events()
    assert events[0]["type"] == "run_started" and events[-1]["type"] == "run_finished"
    assert twice("show", "--log", "--json").code == 2


def test_show_draws(twice: Desk) -> None:
    assert twice("show", "--svg", "run.svg").code == 0
    assert "r2&#160;is&#160;live" in (twice.folder / "run.svg").read_text()
    assert twice("show", "--svg", "no/such/run.svg").code == 2


def test_show_needs_no_pipeline_file(twice: Desk) -> None:
    (twice.folder / "pipeline.yml").unlink()
    assert twice("show", "--json").json()["project"] == "hello"


def test_diff_has_files_line_by_line_and_facts(twice: Desk) -> None:
    said = twice("diff", "r1", "r2")
    assert said.code == 0
    assert "+ENV A=b" in said.out.splitlines()
    changes = {c["what"]: (c["a"], c["b"]) for c in twice("diff", "--json").json()["changes"]}
    assert changes["release"] == ("r1", "r2")
    assert {"dockerfile.app", "image.app.id"} <= set(changes)
    assert "smoke.GET /" not in changes and "source.branch" not in changes
    latest = twice("show", "--json").json()["id"]
    assert twice("diff", latest, latest).out == f"{latest} and {latest} do not differ.\n"


def test_a_release_that_came_back_is_compared_by_what_it_is_made_of(twice: Desk) -> None:
    assert twice("rollback", "--output", "plain").code == 0
    changes = {c["what"] for c in twice("diff", "--json").json()["changes"]}
    assert changes == {
        "release",
        "dockerfile.app",
        "image.app.id",
        "pushed.app.reg.example/acme/hello",
    }


def test_diff_needs_two(desk: Desk) -> None:
    assert desk("diff").code == 1
    desk("run", "--output", "plain")
    said = desk("diff")
    assert said.code == 1 and "no two runs that passed" in said.err


def test_diff_by_default_is_of_runs_that_passed(twice: Desk) -> None:
    desk = twice
    desk.engine.behave(Program(exits=3))
    desk.change("print('ho')", "print('no')", "app.py")
    assert desk("run", "--output", "plain").code == 1
    found = desk("diff", "--json").json()
    assert desk("show", "r2", "--json").json()["id"] == found["b"]


def test_logs_hide_secrets(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cr3t-of-the-app")
    desk.change("stages:", "secrets: {TOKEN: {env: TOKEN}, OTHER: {env: NOT_SET}}\nstages:")
    desk.engine.behave(Program(log=("token is s3cr3t-of-the-app",), answer=says("hi")))
    assert desk("run", "--output", "plain").code == 0
    assert desk("logs").out == "token is ***\n"


def test_logs(desk: Desk) -> None:
    said = desk("logs")
    assert said.code == 1 and "nothing of hello" in said.err
    desk.engine.behave(Program(log=("one", "\x1b[2Jtwo", "three"), answer=says("hi")))
    desk("run", "--output", "plain")
    assert desk("logs").out.splitlines() == ["one", "two", "three"]
    assert desk("logs", "--tail", "1", "app").out == "three\n"
    lines = [json.loads(line) for line in desk("logs", "-n", "all", "--json").out.splitlines()]
    assert lines[1] == {"service": "app", "line": "\x1b[2Jtwo"}
    assert desk("logs", "--tail", "some").code == 2
    wrong = desk("logs", "ap")
    assert wrong.code == 1 and "Did you mean `app`?" in wrong.err


def test_each_service_says_what_it_is_and_where(desk: Desk) -> None:
    assert desk("run").code == 0
    found = desk("status", "--json").json()
    (service,) = found["services"]
    assert (service["release"], service["url"]) == ("r1", found["url"])
    assert service["commit"] == found["commit"]
    assert service["digest"].startswith("reg.example/acme/hello@sha256:")
    assert service["digest"] in found["digests"]
