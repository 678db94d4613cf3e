import threading
import time

import pytest

from pipeline.adapters.fake_engine import Program, says
from pipeline.errors import StageFailed
from pipeline.ports.engine import ContainerSpec, Port
from pipeline.scope import Scope
from pipeline.store import Home, ProjectLock
from tests.support.desk import Desk

STAGES = ["code", "dockerfile", "build", "run", "smoke", "push", "operate"]


def test_a_run_passes_and_a_second_one_has_nothing_to_do(desk: Desk) -> None:
    first = desk("run", "--output", "plain")
    assert first.code == 0
    assert first.out.endswith(", exit code 0\n") and "release: r1" in first.out
    assert desk("plan").code == 0
    second = desk("run", "--output", "json").events()
    finished = {e["stage"]: e["status"] for e in second if e["type"] == "stage_finished"}
    assert finished == dict.fromkeys(STAGES, "reused")


def test_json_is_events_and_the_last_one_is_run_finished(desk: Desk) -> None:
    said = desk("run", "--output", "json")
    last = said.events()[-1]
    assert (last["type"], last["status"], last["exit_code"]) == ("run_finished", "passed", 0)
    assert last["run"] and last["outcome"]["release"] == "r1"
    assert said.err == ""


def test_a_failing_stage_is_exit_code_1(desk: Desk) -> None:
    desk.engine.state.fail_always("build", StageFailed("no such package", hint="Mend it."))
    said = desk("run", "--output", "plain")
    assert said.code == 1
    assert "build      │ failed after" in said.out and "next: Mend it." in said.out


def test_a_port_that_something_else_has_is_found_first(desk: Desk) -> None:
    engine = desk.engine
    engine.publish("busybox:1")
    other = ContainerSpec(
        image=engine.pull("busybox:1", None, print, Scope()).id, name="other",
        ports=(Port(container=80, host_port=8000),),
    )  # fmt: skip
    engine.start(engine.create(other))
    said = desk("run", "--output", "plain")
    assert said.code == 1
    assert "operate    │ failed" in said.out and "in use by the container other" in said.out
    assert "code       │ skipped: not reached" in said.out


def test_without_an_engine_no_check_runs(desk: Desk) -> None:
    desk.engine.state.unavailable = True
    said = desk("run", "--output", "plain")
    assert said.code == 4 and "code       │ skipped: not reached" in said.out


def test_a_failed_run_says_what_serves(desk: Desk) -> None:
    desk.engine.behave(Program(exits=3))
    first = desk("run", "--output", "plain")
    assert first.code == 1 and "dockcycle  │ live: nothing serves" in first.out
    desk.engine.behave(Program(answer=says("hi")))
    assert desk("run", "--output", "plain").code == 0
    desk.engine.state.fail_always("build", StageFailed("no such package"))
    desk.change("print('hi')", "print('ho')", "app.py")
    last = desk("run", "--output", "json").events()[-1]
    assert last["serving"] == {
        "state": "live", "release": "r1", "url": "http://localhost:8000", "trouble": "",
    }  # fmt: skip
    assert "Live  r1 still serves at http://localhost:8000" in desk("show").out


def test_a_plan_says_what_and_why(desk: Desk) -> None:
    said = desk("plan")
    assert said.code == 2
    assert said.out.splitlines()[1].split() == ["code", "run", "has", "not", "succeeded", "yet"]
    plan = desk("plan", "--to", "build", "--json").json()
    assert plan["nothing_to_do"] is False
    assert [s["action"] for s in plan["stages"]] == ["run"] * 3 + ["skip"] * 4


def test_a_dry_run_does_nothing(desk: Desk) -> None:
    said = desk("run", "--dry-run", "--only", "code")
    assert said.code == 0 and "code" in said.out
    assert desk("history").err == "There is no run yet.\n"


def test_the_selection_reaches_the_planner(desk: Desk) -> None:
    assert desk("run", "--to", "build", "--output", "plain").code == 0
    events = desk("run", "--only", "build", "--force", "--output", "json").events()
    planned = {s["key"]: s["action"] for s in events[0]["stages"]}
    assert planned == {"code": "reuse", "dockerfile": "reuse", "build": "run"} | dict.fromkeys(
        STAGES[3:], "skip"
    )


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("run", "--to", "biuld"), "biuld"),
        (("run", "--from", "push", "--to", "build"), "comes after"),
        (("run", "--only", "build", "--to", "push"), "--only"),
        (("run", "--wait", "soon"), "--wait"),
        (("run", "--from", "push"), "never"),
    ],
)
def test_what_makes_no_sense_is_exit_code_2(desk: Desk, argv: tuple[str, ...], told: str) -> None:
    said = desk(*argv)
    assert said.code == 2
    assert said.err.startswith("error: ") and told in said.err
    assert desk("history").err == "There is no run yet.\n"


def test_another_run_is_named_and_can_be_waited_for(desk: Desk) -> None:
    lock = ProjectLock(Home(desk.folder.parent / "home"), "hello")
    held = threading.Event()

    def hold() -> None:
        with lock.hold("run 20261124T000000-aaaa", wait=0, scope=Scope(), on_wait=lambda h: None):
            held.set()
            time.sleep(1.0)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(5)
    said = desk("run", "--to", "code")
    assert said.code == 4
    assert "run 20261124T000000-aaaa" in said.err and "--wait" in said.err
    waited = desk("run", "--to", "code", "--wait", "30s", "--output", "plain")
    other.join()
    assert waited.code == 0 and "waiting for run 20261124T000000-aaaa" in waited.out
