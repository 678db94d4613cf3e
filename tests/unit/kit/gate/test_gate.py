"""The gate's container and its list of domains, on the fake engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any
from unittest.mock import patch

import pytest

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.fake_engine import FakeClock, FakeEngine
from pipeline.artifacts import Endpoint
from pipeline.errors import EngineRefused, PortTaken, StageFailed
from pipeline.kit.gate import FRONTS, NAME, Acme, Gate
from pipeline.kit.gate.claims import claims, withdraw
from pipeline.kit.gate.container import MARK
from pipeline.kit.labels import ROLE
from pipeline.ports.engine import ContainerInfo, ContainerSpec, ExecResult
from pipeline.ports.http import HttpFailure
from pipeline.scope import Scope
from tests.unit.kit.releases.site import Journal

A = ("a.test@a-front:8000", "www.a.test@a-front:8000")
B = ("b.test=b-front:80",)
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
    assert own.drift(A) == "the gate is gone"
    own.lead("a", A, Acme())
    before = found(engine).id
    own.lead("b", B, Acme())
    assert own.entries() == {*A, *B}
    own.lead("a", A[:1], Acme())
    assert own.entries() == {A[0], *B}
    assert (own.drift(A[:1]), own.drift(A)) == ("", "the gate does not lead www.a.test here")
    assert own.forget("a") == ["the gate no more leads a.test to a"]
    assert own.entries() == {*B}
    assert found(engine).id == before


def test_the_last_one_takes_it_away_but_for_the_certificates(engine: FakeEngine) -> None:
    own = gate(engine)
    own.lead("a", A, Acme())
    assert own.forget("b") == []
    assert "certificates stay" in own.forget("a")[0]
    assert own.found() is None
    assert [volume.name for volume in engine.volumes({})] == [NAME]
    assert engine.networks({}) == []


@pytest.mark.parametrize("moment", ["create", "put", "start"])
def test_two_projects_that_want_the_first_gate_at_once(engine: FakeEngine, moment: str) -> None:
    """Neither is in the other's way, wherever the quicker one is."""
    step, seconds = getattr(engine, moment), []

    with ThreadPoolExecutor(1) as pool:

        def meanwhile(*given: Any) -> Any:
            if not seconds:
                seconds.append(pool.submit(at_once(engine).lead, "b", B, Acme()))
                wait(seconds, 0.3)
            return step(*given)

        with patch.object(engine, moment, meanwhile):
            at_once(engine).lead("a", A, Acme())
            seconds[0].result(20)
    assert gate(engine).entries() - {".keep"} == {*A, *B}
    assert engine.volumes({ROLE: "lock"}) == []


@pytest.mark.parametrize("moment", ["remove", "containers"])
def test_the_last_one_goes_when_another_comes(engine: FakeEngine, moment: str) -> None:
    """Who comes does not rely on what is about to be removed."""
    at_once(engine).lead("a", A, Acme())
    step, seconds = getattr(engine, moment), []

    with ThreadPoolExecutor(1) as pool:

        def meanwhile(*given: Any, **more: Any) -> Any:
            before = step(*given, **more) if moment == "containers" else None
            if not seconds:
                seconds.append(pool.submit(at_once(engine).lead, "b", B, Acme()))
                wait(seconds, 0.5)
            return before if moment == "containers" else step(*given, **more)

        with patch.object(engine, moment, meanwhile):
            at_once(engine).forget("a")
            seconds[0].result(20)
    assert gate(engine).drift(B) == ""
    assert gate(engine).entries() - {".keep"} == {*B}
    assert engine.volumes({ROLE: "lock"}) == []


def at_once(engine: FakeEngine) -> Gate:
    return Gate(engine, engine.http, SystemClock(), Journal(), Scope(20))


@pytest.mark.parametrize("harm", ["nothing", "stopped", "gone"])
def test_another_project_s_domain_is_refused(engine: FakeEngine, harm: str) -> None:
    """However the gate is."""
    own = gate(engine)
    own.lead("a", A, Acme())
    if harm == "stopped":
        engine.stop(found(engine).id)
    elif harm == "gone":
        engine.remove(found(engine).id)
    with pytest.raises(EngineRefused, match=r"a\.test is served by a on this engine"):
        own.lead("b", ["b.test@b-front:80", "a.test@b-front:80"], Acme())
    assert {one.domain for one in claims(engine)} == {"a.test", "www.a.test"}
    own.forget("a")
    own.lead("b", ["a.test@b-front:80"], Acme())
    assert own.entries() == {"a.test@b-front:80"}


def test_what_is_lost_with_its_volume_is_claimed_still(engine: FakeEngine) -> None:
    own = gate(engine)
    own.lead("a", A, Acme())
    own.lead("b", B, Acme())
    engine.remove(found(engine).id)
    engine.remove_volume(NAME)
    own.lead("b", B, Acme())
    assert own.entries() - {".keep"} == {*A, *B}


def test_a_domain_may_be_led_elsewhere(engine: FakeEngine) -> None:
    own = gate(engine)
    own.lead("a", A, Acme())
    own.lead("a", ["a.test=a-front:9000"], Acme())
    assert own.entries() == {"a.test=a-front:9000"}


def test_what_a_killed_one_has_left_goes_with_the_next(engine: FakeEngine) -> None:
    own = gate(engine)
    own.lead("a", A, Acme())
    own.lead("b", B, Acme())
    withdraw(engine, "a")  # and killed then
    own.lead("b", B, Acme())
    assert own.entries() == {*B}


def test_a_volume_of_somebody_else_is_no_claim(engine: FakeEngine) -> None:
    engine.create_volume("dockcycle-domain.a.test", {})
    with pytest.raises(EngineRefused, match="dockcycle did not make"):
        gate(engine).lead("a", A, Acme())


def test_a_port_that_something_else_has(engine: FakeEngine) -> None:
    engine.state.port_taken.add(443)
    with pytest.raises(PortTaken, match="port 443 is in use") as error:
        gate(engine).require("a", ["a.test"])
    assert "one gate for all projects" in error.value.hint
    assert gate(engine).found() is None


def test_one_that_stopped_or_is_of_another_version_is_made_anew(engine: FakeEngine) -> None:
    own = gate(engine)
    own.lead("a", A, Acme())
    first = found(engine)
    engine.stop(first.id)
    assert own.drift(A) == "the gate is exited"
    own.lead("a", A, Acme())
    second = found(engine)
    assert (second.id != first.id, second.labels[MARK]) == (True, first.labels[MARK])


def test_one_authority_for_an_engine(engine: FakeEngine) -> None:
    own = gate(engine)
    own.lead("a", A, OWN_CA)
    own.lead("b", B, Acme())  # has no wish
    own.lead("b", B, OWN_CA)
    with pytest.raises(StageFailed, match=r"a has its certificates from https://ca\.example/dir"):
        own.lead("b", B, Acme(ca="https://other.example/dir"))
    first = found(engine).id
    own.forget("b")
    own.lead("a", A, Acme(ca="https://other.example/dir"))  # the only one to care
    assert found(engine).id != first


def test_a_front_is_in_a_network_with_the_gate(engine: FakeEngine) -> None:
    own = gate(engine)
    own.join("a-front")
    own.lead("a", A, Acme())
    joined = engine.inspect("a-front")
    assert joined is not None
    assert FRONTS in set(joined.addresses) & set(found(engine).addresses)


def test_whether_it_vouches(engine: FakeEngine) -> None:
    own = gate(engine)
    assert "nothing listens" in own.vouches("a.test", 3)
    own.lead("a", A, Acme())
    assert own.vouches("a.test", 3) == ""


def test_an_authority_is_asked_once(engine: FakeEngine) -> None:
    """Public ones refuse for an hour after a few failures."""
    asked = []

    def tls(host: str, port: int, name: str, timeout: float) -> None:
        asked.append(name)
        raise HttpFailure("no TLS connection")

    own = gate(engine)
    with patch.object(engine.http, "tls", tls):
        assert own.vouches("a.example.org", 15) == "no TLS connection"
        assert asked == ["a.example.org"]
        own.lead("a", A, Acme())
        said = (
            '{"msg":"x","identifier":"a.example.org","error":"the \\"name\\" is unknown"}',
            '{"msg":"y","identifier":"b.example.org","error":"another one"}',
        )
        with patch.object(engine, "logs", lambda *_, **__: iter(said)):
            assert own.vouches("a.example.org", 15) == 'the "name" is unknown'


def test_a_release_is_asked_by_its_domain_once_that_has_a_certificate(engine: FakeEngine) -> None:
    own = gate(engine)
    public = ["a.example.org@a-front:80"]
    own.lead("a", public, Acme())
    assert own.reached(public) is None
    found_one = ExecResult(exit_code=0, output="/data/caddy/certificates/x/a.example.org.crt\n")
    with patch.object(engine, "exec", lambda *_: found_one):
        assert own.reached(public) == at("https://a.example.org", 443)
    assert own.reached(A) == at("https://a.test", 443)
    assert own.reached(B) == at("http://b.test", 80)


def at(site: str, port: int) -> Endpoint:
    return Endpoint(host="127.0.0.1", port=port, site=site)
