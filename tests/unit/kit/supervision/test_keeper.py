"""What a supervisor does about a release that is not as it is recorded."""

from __future__ import annotations

import math

from pipeline.adapters.fake_engine import Program
from pipeline.kit.supervision.keeper import BUSY
from pipeline.ports.engine import ContainerSpec
from tests.unit.kit.supervision.ward import LIMITS, Ward


def test_what_is_well_is_left_alone() -> None:
    ward = Ward()
    ward.release()
    calls = len(ward.yard.engine.state.calls)
    assert ward.tend() == math.inf
    assert ward.told == []
    assert len(ward.yard.engine.state.calls) == calls


def test_one_that_ended_is_started_again_with_its_policy() -> None:
    ward = Ward()
    release = ward.release(restart="no")
    ward.yard.engine.crash("hello-r1")
    ward.tend()
    assert ward.container(release).running
    assert ward.container(release).restart == "no"
    assert [str(one) for one in ward.told] == ["hello app: ended with exit code 1; started again"]


def test_one_that_was_killed_is_started_again() -> None:
    ward = Ward()
    release = ward.release()
    ward.yard.engine.kill("hello-r1")
    ward.tend()
    assert ward.container(release).running


def test_one_that_is_unhealthy_is_restarted_but_not_for_ever() -> None:
    ward = Ward()
    release = ward.release(health={"test": ["CMD", "true"]})
    found = ward.yard.engine.state.containers[ward.container(release).id]
    found.program = Program(unhealthy_for=math.inf)
    before = ward.container(release)
    assert before.health == "unhealthy"
    ward.tend()
    assert ward.container(release).started > before.started
    assert ward.kinds == ["repaired"]
    ward.pass_time(LIMITS.within - 5)
    assert ward.kinds == ["repaired"] * LIMITS.repairs + ["degraded"]
    assert "unhealthy" in ward.told[-1].message
    assert ward.container(release).running  # it may still answer some

    found.program = Program()
    ward.pass_time(LIMITS.steady + 5)
    assert ward.kinds[-1] == "recovered"
    assert ward.container(release).restart == "unless-stopped"


def test_one_that_was_removed_comes_back_from_the_same_image() -> None:
    ward = Ward()
    release = ward.release(environment={})
    image = ward.container(release).image
    ward.yard.engine.remove("hello-r1")
    assert ward.tend() <= 2  # somebody may be replacing it
    assert ward.yard.engine.inspect("hello-r1") is None
    ward.pass_time(3)
    assert ward.container(release).running
    assert ward.container(release).image == image
    assert ward.container(release).restart == "unless-stopped"


def test_a_secret_that_is_not_at_hand_is_said_and_not_tried_again() -> None:
    ward = Ward()
    ward.release()
    ward.yard.engine.remove("hello-r1")
    ward.pass_time(1000)
    assert ward.kinds == ["degraded"]
    assert "secret PW is not at hand" in ward.told[0].message
    assert "`dockcycle start`" in ward.told[0].message
    assert ward.notes["app"].state == "degraded"
    assert ward.keeper.unwell


def test_a_stranger_under_the_name_is_not_touched() -> None:
    ward = Ward()
    release = ward.release(environment={})
    other = ward.yard.image("other")
    ward.yard.engine.remove("hello-r1")
    stranger = ward.yard.engine.create(_spec(other, name="hello-r1"))
    ward.yard.engine.start(stranger)
    ward.pass_time(1000)
    assert ward.container(release).id == stranger
    assert ward.container(release).running
    assert ward.kinds == ["degraded"]
    assert "did not make" in ward.told[0].message


def test_another_image_under_the_name_is_put_right() -> None:
    ward = Ward()
    release = ward.release(environment={})
    info = ward.container(release)
    other = ward.yard.image("other")
    ward.yard.engine.remove("hello-r1")
    made = ward.yard.engine.create(_spec(other, name="hello-r1", labels=dict(info.labels)))
    ward.yard.engine.start(made)
    ward.pass_time(5)
    assert ward.container(release).image == info.image
    assert "the release has" in ward.told[0].message


def test_stopped_by_hand_it_stays_stopped_through_engine_and_supervisor() -> None:
    ward = Ward()
    release = ward.release()
    ward.yard.engine.stop("hello-r1")
    ward.pass_time(60)
    assert not ward.container(release).running
    assert ward.kinds == ["left"]
    assert ward.notes["app"].state == "stopped"

    ward.yard.engine.restart_engine()
    ward.keeper.away()
    ward.restart_supervisor()
    ward.pass_time(60)
    assert not ward.container(release).running
    assert ward.kinds == ["left"]

    ward.yard.engine.start("hello-r1")
    ward.pass_time(1)
    assert ward.notes == {}


def test_stopped_by_hand_while_nobody_listened_it_stays_stopped() -> None:
    ward = Ward()
    release = ward.release()
    ward.yard.engine.stop("hello-r1")
    ward.restart_supervisor()
    ward.pass_time(60)
    assert not ward.container(release).running
    assert ward.kinds == ["left"]


def test_a_restart_by_hand_is_no_stop() -> None:
    ward = Ward()
    ward.release()
    ward.yard.engine.restart("hello-r1")
    ward.pass_time(60)
    assert ward.told == []
    assert ward.notes == {}


def test_stopped_by_hand_and_then_removed_it_stays_away() -> None:
    ward = Ward()
    ward.release(environment={})
    ward.yard.engine.stop("hello-r1")
    ward.pass_time(5)
    ward.yard.engine.remove("hello-r1")
    ward.pass_time(60)
    assert ward.yard.engine.inspect("hello-r1") is None
    assert ward.kinds == ["left"]


def test_a_release_that_was_stopped_is_nobodys_business() -> None:
    ward = Ward()
    release = ward.release()
    ward.yard.ledger.activate(
        release, state="stopped", reason="stop", run="x", client="me", journal=ward.yard.journal
    )
    ward.yard.engine.stop("hello-r1")
    assert ward.tend() == math.inf
    ward.pass_time(60)
    assert not ward.container(release).running
    assert ward.told == []


def test_nothing_is_done_while_somebody_has_the_lock() -> None:
    ward = Ward()
    release = ward.release(restart="no")
    ward.yard.engine.crash("hello-r1")
    ward.locked = True
    assert ward.tend() == BUSY
    assert not ward.container(release).running
    ward.locked = False
    ward.tend()
    assert ward.container(release).running


def crash_on(ward: Ward) -> None:
    """From now on the app ends as soon as it is started."""
    for found in ward.yard.engine.state.containers.values():
        found.program = Program(exits=1)


def test_a_crash_loop_ends_with_the_budget_and_is_told_once() -> None:
    ward = Ward()
    release = ward.release(restart="no")
    crash_on(ward)
    ward.yard.engine.crash("hello-r1")
    starts = len([c for c in ward.yard.engine.state.calls if c[0] == "start"])
    ward.pass_time(LIMITS.within - 5)
    made = len([c for c in ward.yard.engine.state.calls if c[0] == "start"]) - starts
    assert made == LIMITS.repairs
    assert ward.kinds.count("degraded") == 1
    assert ward.notes["app"].reason == ward.told[-1].message
    assert "3 restarts and repairs within" in ward.told[-1].message

    ward.restart_supervisor()
    ward.pass_time(10 * LIMITS.within)
    made = len([c for c in ward.yard.engine.state.calls if c[0] == "start"]) - starts
    assert made <= 12 * LIMITS.repairs
    assert ward.kinds.count("degraded") == 1

    ward.yard.engine.state.containers[ward.container(release).id].program = Program()
    ward.pass_time(2 * LIMITS.within)
    assert ward.container(release).running
    assert ward.kinds.count("recovered") == 1
    assert ward.notes == {}
    assert not ward.keeper.unwell


def test_restarts_by_the_engine_count_and_end_with_the_budget() -> None:
    ward = Ward()
    release = ward.release()
    ward.tend()
    for crash in range(LIMITS.repairs):
        assert ward.container(release).restart == "unless-stopped", crash
        ward.yard.engine.crash("hello-r1")
        ward.now += 1
        ward.tend()
    assert ward.container(release).restart == "no"
    ward.yard.engine.crash("hello-r1")
    ward.pass_time(10)
    assert not ward.container(release).running
    assert ward.kinds == ["degraded"]
    ward.pass_time(LIMITS.within + LIMITS.steady)
    assert ward.container(release).running
    assert ward.container(release).restart == "unless-stopped"
    assert ward.kinds == ["degraded", "repaired", "recovered"]


def test_restarts_from_before_it_looked_do_not_count() -> None:
    ward = Ward()
    release = ward.release()
    for _ in range(10):
        ward.yard.engine.crash("hello-r1")
    ward.pass_time(60)
    assert ward.container(release).restart == "unless-stopped"
    assert ward.told == []


def test_one_that_gave_way_to_a_release_that_died_comes_back_late() -> None:
    ward = Ward()
    release = ward.release()
    ward.yard.engine.set_restart("hello-r1", "always")
    ward.yard.engine.stop("hello-r1")
    ward.pass_time(100)
    assert not ward.container(release).running
    ward.pass_time(30)
    assert ward.container(release).running
    assert ward.container(release).restart == "unless-stopped"


def test_after_the_engine_came_back_it_gets_time_to_start_what_it_starts() -> None:
    ward = Ward()
    release = ward.release()
    found = ward.yard.engine.state.containers[ward.container(release).id]
    found.state, found.exit_code, found.ports = "exited", 137, ()  # by the engine's own end
    ward.keeper.away()
    assert ward.tend(settled=False) > 0
    assert ward.told == []
    ward.yard.engine.start("hello-r1")
    ward.pass_time(60)
    assert ward.told == []


def _spec(image: str, *, name: str, labels: dict[str, str] | None = None) -> ContainerSpec:
    return ContainerSpec(image=image, name=name, labels=labels or {})
