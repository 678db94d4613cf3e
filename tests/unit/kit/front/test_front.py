"""The container of the front, on the fake engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.adapters.fake_engine import FakeClock, FakeEngine
from pipeline.errors import EngineRefused, NotFound, PortTaken, StageFailed
from pipeline.kit.front import Front, FrontPlan, fronts, remove_networks
from pipeline.ports.engine import ContainerSpec, Port
from pipeline.scope import Scope
from tests.unit.kit.releases.site import Journal

PLAN = FrontPlan(
    project="hello",
    ports=(Port(container=5000, host_port=8000),),
    network="hello-front",
    owns_network=True,
    aliases=(),
    restart="always",
)


def engine_with_caddy(**more: object) -> FakeEngine:
    engine = FakeEngine(**more)  # type: ignore[arg-type]  # tests pass what the engine takes
    engine.publish("caddy:2")
    return engine


def front(engine: FakeEngine, plan: FrontPlan = PLAN) -> Front:
    return Front(plan, engine, engine.http, FakeClock(), Journal(), Scope(60))


def test_it_is_made_leads_to_the_container_and_is_left_alone() -> None:
    engine = engine_with_caddy()
    own = front(engine)
    assert own.drift("hello-r1") == "the front is gone"
    assert own.serve("hello-r1") is True
    info = own.found()
    assert info is not None
    assert (info.restart, info.ports[0].host_port) == ("always", 8000)
    assert own.drift("hello-r1") == ""
    assert own.serve("hello-r1") is False
    again = own.found()
    assert again is not None
    assert again.id == info.id


def test_a_swap_is_one_rename() -> None:
    engine = engine_with_caddy()
    own = front(engine)
    own.serve("hello-r1")
    before = own.found()
    assert own.serve("hello-r2") is False
    assert own.drift("hello-r2") == ""
    assert own.drift("hello-r1") == "the front leads to hello-r2"
    after = own.found()
    assert before is not None
    assert after is not None
    assert before.id == after.id


@pytest.mark.parametrize("spoil", ["stop", "remove", "empty", "crowd", "other ports"])
def test_whatever_was_done_to_it_it_comes_back_the_same(spoil: str) -> None:
    engine = engine_with_caddy()
    own = front(engine)
    own.serve("hello-r1")
    if spoil == "stop":
        engine.stop("hello-front")
    elif spoil == "remove":
        engine.remove("hello-front")
    elif spoil == "empty":
        engine.exec("hello-front", ["mv", "/front/live/hello-r1", "/elsewhere"], Scope(5))
    elif spoil == "crowd":
        engine.put("hello-front", {"/front/live/other": b""})
    else:
        other = replace(PLAN, ports=(Port(container=5000, host_port=9000),))
        front(engine, other).serve("hello-r1")
    assert own.drift("hello-r1") != ""
    assert own.serve("hello-r1") is True
    assert own.drift("hello-r1") == ""
    assert [one.name for one in fronts(engine, "hello")] == ["hello-front"]


def test_two_plans_of_one_mark_need_no_other_front() -> None:
    assert replace(PLAN, restart="no").mark == PLAN.mark
    assert replace(PLAN, network="shop").mark != PLAN.mark
    assert replace(PLAN, ports=(Port(container=80, host_port=8000),)).mark != PLAN.mark


def test_a_container_of_somebody_else_stays() -> None:
    engine = engine_with_caddy()
    engine.pull("caddy:2", None, lambda line: None, Scope(5))
    engine.create(ContainerSpec(image="caddy:2", name="hello-front"))
    with pytest.raises(EngineRefused, match="dockcycle did not make"):
        front(engine).serve("hello-r1")
    assert engine.inspect("hello-front") is not None


def test_a_taken_port_leaves_nothing() -> None:
    engine = engine_with_caddy(port_taken=[8000])
    with pytest.raises(PortTaken):
        front(engine).serve("hello-r1")
    assert fronts(engine, "hello") == []


def test_without_caddy_nothing_is_made() -> None:
    engine = FakeEngine()
    with pytest.raises(NotFound):
        front(engine).get_ready()
    assert engine.networks({}) == []


def test_a_caddy_that_ends_is_told_with_its_log() -> None:
    from pipeline.adapters.fake_engine import Program

    engine = FakeEngine()
    engine.publish("caddy:2", program=Program(log=("bad config",), exits=1))
    with pytest.raises(StageFailed, match="front does not listen") as caught:
        front(engine).serve("hello-r1")
    assert "bad config" in caught.value.detail


def test_the_network_goes_when_it_is_asked_to() -> None:
    engine = engine_with_caddy()
    own = front(engine)
    own.serve("hello-r1")
    remove_networks(engine, "hello")
    assert [net.name for net in engine.networks({})] == ["hello-front"]  # it is in use
    own.remove()
    remove_networks(engine, "hello")
    assert engine.networks({}) == []
