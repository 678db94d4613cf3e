"""What a supervisor does about the gate before the front of a release."""

from __future__ import annotations

import math

from pipeline.artifacts import Handover
from pipeline.kit.gate import NAME, GateState
from tests.unit.kit.supervision.ward import Ward

ENTRY = "a.test@hello-front:5000"


def named() -> tuple[Ward, GateState]:
    """A release at a domain, and how the gate stands."""
    ward = Ward()
    ward.yard.engine.publish("caddy:2")
    handover = Handover(soak=0, drain=0, domains=("a.test",), domain_port=5000)
    ward.yard.live(ward.yard.release(1, ward.yard.image("1"), handover=handover))
    return ward, GateState(ward.yard.engine)


def test_one_that_is_well_is_left_alone() -> None:
    ward, gate = named()
    assert ward.tend() == math.inf
    assert (ward.told, gate.drift([ENTRY])) == ([], "")


def test_one_that_is_gone_is_put_back() -> None:
    ward, gate = named()
    ward.yard.engine.remove(NAME)
    ward.pass_time(5)
    assert gate.drift([ENTRY]) == ""
    assert ward.kinds == ["repaired"]
    assert [told.service for told in ward.told] == ["gate"]


def test_one_that_somebody_stopped_stays_stopped() -> None:
    ward, gate = named()
    ward.yard.engine.stop(NAME)
    ward.pass_time(60)
    assert gate.drift([ENTRY]) == "the gate is exited"
