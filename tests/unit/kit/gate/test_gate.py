"""The gate's container and its list of domains, on the fake engine."""

from __future__ import annotations

import pytest

from pipeline.adapters.fake_engine import FakeClock, FakeEngine
from pipeline.errors import PortTaken, StageFailed
from pipeline.kit.gate import NAME, Acme, Gate
from pipeline.kit.gate.gate import MARK
from pipeline.ports.engine import ContainerInfo, ContainerSpec
from pipeline.scope import Scope
from tests.unit.kit.releases.site import Journal

A, B = ("a.test", "www.a.test"), ("b.test",)
TO_A, TO_B = "a-front:8000", "b-front:80"
OWN_CA = Acme(ca="https://ca.example/dir")


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine()
    made.publish("caddy:2")
    image = made.pull("caddy:2", None, lambda line: None, Scope(5))
    for name in ("a-front", "b-front"):
        made.start(made.create(ContainerSpec(image=image.id, name=name)))
    return made


def gate(engine: FakeEngine) -> Gate:
    return Gate(engine, engine.http, FakeClock(), Journal(), Scope(60))


def found(engine: FakeEngine) -> ContainerInfo:
    info = gate(engine).found()
    assert info is not None
    return info


def test_projects_come_and_go_without_a_change_to_the_gate(engine: FakeEngine) -> None:
    own = gate(engine)
    assert own.drift(A, TO_A) == "the gate is gone"
    own.lead(A, TO_A, Acme())
    before = found(engine).id
    own.lead(B, TO_B, Acme())
    assert own.routes() == {"a.test": TO_A, "www.a.test": TO_A, "b.test": TO_B}
    own.lead(A[:1], TO_A, Acme())
    assert own.routes() == {"a.test": TO_A, "b.test": TO_B}
    assert (own.drift(A[:1], TO_A), own.drift(A, TO_A)) == (
        "", "the gate does not lead www.a.test here",
    )  # fmt: skip
    assert own.forget("a-front") == ["the gate leads no more to a-front"]
    assert found(engine).id == before


def test_the_last_one_takes_it_away_but_for_the_certificates(engine: FakeEngine) -> None:
    own = gate(engine)
    own.lead(A, TO_A, Acme())
    assert own.forget("b-front") == []
    assert "certificates stay" in own.forget("a-front")[0]
    assert own.found() is None
    assert [volume.name for volume in engine.volumes({})] == [NAME]
    assert NAME not in {network.name for network in engine.networks({})}


def test_another_project_s_domain_is_refused_while_that_is_there(engine: FakeEngine) -> None:
    own = gate(engine)
    own.lead(A, TO_A, Acme())
    with pytest.raises(StageFailed, match=r"a\.test is served by a on this engine"):
        own.lead(["a.test"], TO_B, Acme())
    engine.remove("a-front")
    own.lead(["a.test"], TO_B, Acme())
    assert own.routes()["a.test"] == TO_B


def test_a_port_that_something_else_has(engine: FakeEngine) -> None:
    engine.state.port_taken.add(443)
    with pytest.raises(PortTaken, match="port 443 is in use") as error:
        gate(engine).require("a-front", A)
    assert "one gate for all projects" in error.value.hint
    assert gate(engine).found() is None


def test_one_that_stopped_or_is_of_another_version_is_made_anew(engine: FakeEngine) -> None:
    own = gate(engine)
    own.lead(A, TO_A, Acme())
    first = found(engine)
    engine.stop(first.id)
    assert own.drift(A, TO_A) == "the gate is exited"
    own.lead(A, TO_A, Acme())
    second = found(engine)
    assert (second.id != first.id, second.labels[MARK]) == (True, first.labels[MARK])


def test_one_authority_for_an_engine(engine: FakeEngine) -> None:
    own = gate(engine)
    own.lead(A, TO_A, OWN_CA)
    own.lead(B, TO_B, Acme())  # has no wish
    own.lead(B, TO_B, OWN_CA)
    with pytest.raises(StageFailed, match=r"certificates from https://ca\.example/dir"):
        own.lead(B, TO_B, Acme(ca="https://other.example/dir"))


def test_a_front_is_in_the_gate_s_network(engine: FakeEngine) -> None:
    own, front = gate(engine), engine.inspect("a-front")
    assert front is not None
    own.join(front)
    joined = engine.inspect("a-front")
    assert joined is not None
    assert NAME in joined.addresses


def test_whether_it_vouches(engine: FakeEngine) -> None:
    own = gate(engine)
    assert "nothing listens" in own.vouches("a.test", 3)
    own.lead(A, TO_A, Acme())
    assert own.vouches("a.test", 3) == ""
