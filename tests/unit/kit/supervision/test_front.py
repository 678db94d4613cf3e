"""What a supervisor does about the front of a release."""

from __future__ import annotations

import math

import pytest

from pipeline.artifacts import Handover
from pipeline.kit.front import FrontState, plan_of
from pipeline.kit.front.plan import FOLDER
from pipeline.ports.engine import ContainerSpec
from pipeline.scope import Scope
from tests.unit.kit.supervision.ward import LIMITS, Ward


def fronted() -> tuple[Ward, FrontState]:
    """A release behind its front, and how that stands."""
    ward = Ward()
    ward.yard.engine.publish("caddy:2")
    image = ward.yard.image("1")
    release = ward.yard.release(1, image, handover=Handover(soak=0, drain=0))
    ward.yard.live(release)
    return ward, FrontState(plan_of(release), ward.yard.engine)


def test_one_that_is_well_is_left_alone() -> None:
    ward, front = fronted()
    assert ward.tend() == math.inf
    assert (ward.told, front.drift("hello-r1")) == ([], "")


@pytest.mark.parametrize("harm", ["remove", "kill"])
def test_one_that_is_gone_or_killed_is_put_back(harm: str) -> None:
    ward, front = fronted()
    getattr(ward.yard.engine, harm)("hello-front")
    assert front.drift("hello-r1") != ""
    ward.pass_time(5)
    assert front.drift("hello-r1") == ""
    assert ward.kinds == ["repaired"]


def test_an_app_that_is_gone_is_put_back_behind_it() -> None:
    ward, front = fronted()
    ward.yard.engine.remove("hello-r1")
    ward.keeper._site = lambda scope: ward.yard.site  # with its secrets at hand
    ward.pass_time(5)
    app = ward.yard.engine.inspect("hello-r1")
    assert app is not None
    assert (app.running, app.ports) == (True, ())
    assert front.drift("hello-r1") == ""


def leads(ward: Ward) -> list[str]:
    """What the front leads to."""
    return ward.yard.engine.exec("hello-front", ["ls", FOLDER], Scope(5)).output.split()


def test_a_front_that_leads_elsewhere_may_be_at_a_take_over_and_is_put_right_late() -> None:
    ward, _ = fronted()
    ward.yard.engine.exec(
        "hello-front", ["mv", f"{FOLDER}/hello-r1", f"{FOLDER}/hello-r2"], Scope(5)
    )
    ward.pass_time(100)
    assert leads(ward) == ["hello-r2"]
    ward.pass_time(30)
    assert leads(ward) == ["hello-r1"]
    assert "leads to hello-r2" in ward.told[0].message


def test_a_stranger_called_as_the_front_is_not_touched() -> None:
    ward, _ = fronted()
    engine = ward.yard.engine
    engine.remove("hello-front")
    stranger = engine.create(ContainerSpec(image=ward.yard.image("other"), name="hello-front"))
    ward.pass_time(LIMITS.within)
    assert engine.inspect(stranger) is not None
    assert ward.kinds[-1] == "degraded"
    assert "did not make is called hello-front" in ward.told[-1].message
    assert ward.notes["front"].state == "degraded"
