import pytest

from pipeline.ports.engine import ContainerSpec
from tests.support.desk import Desk


@pytest.fixture
def twice(desk: Desk) -> Desk:
    """r1 and r2, which is live."""
    assert desk("run", "--output", "plain").code == 0
    desk.change("print('hi')", "print('ho')", "app.py")
    assert desk("run", "--output", "plain").code == 0
    return desk


def state(desk: Desk) -> tuple[str, str]:
    body = desk("status", "--json").json()
    return body["state"], body["release"]


def test_rollback_is_a_run_of_its_own(twice: Desk) -> None:
    said = twice("rollback", "--output", "json")
    assert said.code == 0
    assert said.events()[-1]["outcome"]["release"] == "r1"
    assert state(twice) == ("live", "r1")
    assert twice("rollback", "r2", "--output", "plain").code == 0
    assert state(twice) == ("live", "r2")


def test_rollback_can_be_looked_at_first(twice: Desk) -> None:
    lines = [line.split() for line in twice("rollback", "--dry-run").out.splitlines()]
    assert lines[1][:3] == ["live", "now", "r2"] and lines[2][:4] == ["would", "come", "back", "r1"]
    assert "image.app.id" in {line[0] for line in lines if line}
    assert lines[-1] == ["without", "a", "gap"]
    assert state(twice) == ("live", "r2")


def test_rollback_to_what_is_not_there(twice: Desk) -> None:
    said = twice("rollback", "r9")
    assert said.code == 1 and "Kept releases: r2, r1." in said.err


def test_a_broken_stage_keeps_nobody_from_going_back(twice: Desk) -> None:
    twice.change("port: 5000", "prot: 5000")
    assert twice("run").code == 2
    assert state(twice) == ("live", "r2")
    for argv in (("logs",), ("history",), ("show",), ("diff",), ("stop",), ("start",)):
        assert twice(*argv).code == 0, argv
    assert twice("rollback", "--output", "plain").code == 0
    assert state(twice) == ("live", "r1")


def test_stop_start_restart_kill(twice: Desk) -> None:
    assert twice("stop").out == "stopped hello-r2\n"
    assert state(twice) == ("stopped", "r2") and twice("status").code == 1
    assert twice("start").out == "r2 is up at http://localhost:8000\n"
    assert twice("restart").code == 0 and state(twice) == ("live", "r2")
    assert twice("kill", "--signal", "TERM").out == "killed hello-r2\n"
    assert state(twice) == ("stopped", "r2")


def test_rm_keeps_the_releases_and_down_does_not(twice: Desk) -> None:
    assert twice("rm").out == "removed hello-r2\n"
    assert twice("start").code == 0 and state(twice) == ("live", "r2")
    assert "forgot r1" in twice("down").out
    assert state(twice) == ("absent", "")
    assert twice("start").code == 1


def test_what_somebody_started_from_our_image_is_not_ours(twice: Desk) -> None:
    image = twice("image", "ls", "--json").json()[0]
    labels = {"dockcycle.project": "hello", "dockcycle.role": "image"}  # inherited
    spec = ContainerSpec(image=image["id"], name="by-hand", labels=labels)
    twice.engine.start(twice.engine.create(spec))
    for command in ("stop", "rm", "prune", "down"):
        assert twice(command).code == 0
        assert twice.engine.inspect("by-hand") is not None
    assert [row["id"] for row in twice("image", "ls", "--json").json()] == [image["id"]]


def test_prune_takes_only_what_nobody_needs(twice: Desk) -> None:
    twice.change("print('ho')", "print('hu')", "app.py")
    assert twice("image", "build", "--output", "plain").code == 0
    unused = twice("image", "ls", "--json").json()[0]
    twice.change("print('hu')", "print('ha')", "app.py")
    assert twice("image", "build", "--output", "plain").code == 0
    would = twice("prune", "--dry-run").out
    assert unused["id"][7:19] in would and would.startswith("would remove image")
    assert unused["id"][7:19] in twice("prune").out
    left = {row["id"] for row in twice("image", "ls", "--json").json()}
    assert unused["id"] not in left and len(left) == 3
    assert state(twice) == ("live", "r2") and twice("rollback", "--output", "plain").code == 0


def test_prune_forgets_old_runs_but_not_what_can_be_reused(twice: Desk) -> None:
    for _ in range(3):
        twice("run", "--output", "plain")
    assert "forgot 3 old runs" in twice("prune", "--keep-runs", "1").out
    assert twice("plan").code == 0


def test_after_down_a_release_is_the_newest_of_that_number(twice: Desk) -> None:
    first = twice("show", "r1", "--json").json()["id"]
    twice("down")
    assert twice("run", "--output", "plain").code == 0
    assert twice("show", "r1", "--json").json()["id"] != first


def test_commands_with_nothing_to_do_say_so(desk: Desk) -> None:
    assert desk("down").err == "there is nothing of this project on the engine\n"
    assert desk("prune").err == "there is nothing that nobody needs\n"
    assert desk("prune", "--dry-run").err == "there is nothing that nobody needs\n"
