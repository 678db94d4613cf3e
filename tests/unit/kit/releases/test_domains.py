"""Releases at domains, on the fake engine: a name leads to a version that answers, or nowhere."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from pipeline.artifacts import Handover, Release
from pipeline.errors import EngineRefused, StageFailed
from pipeline.kit.gate import NAME
from pipeline.kit.gate.claims import Claim, claim, claims
from pipeline.kit.releases import converge, go_live, golive, is_serving, verifier
from pipeline.ports.http import HttpFailure, HttpRequest
from pipeline.scope import Scope
from tests.unit.kit.releases.site import Journal, Killed, Yard, new_yard

A, B = "a.test", "b.test"


@pytest.fixture
def yard() -> Yard:
    return new_yard()


def named(yard: Yard, number: int, *domains: str, says: str = "good") -> Release:
    handover = Handover(soak=2, drain=1, domains=domains, domain_port=5000 if domains else 0)
    return yard.release(number, yard.image(f"v{number}", f"{says} v{number}"), handover=handover)


def answer(yard: Yard, domain: str) -> str:
    """What users get at a domain."""
    request = HttpRequest(url=f"https://{domain}/", at="127.0.0.1")
    try:
        return yard.engine.http.request(request, Scope(5)).body.decode()
    except HttpFailure:
        return "nothing"


def test_a_release_takes_over_and_brings_a_domain_with_it(yard: Yard) -> None:
    yard.live(named(yard, 1, A))
    gate = yard.engine.inspect(NAME)
    went = yard.live(named(yard, 2, A, B))
    assert went.gap == 0.0
    assert [answer(yard, domain) for domain in (A, B)] == ["good v2", "good v2"]
    again = yard.engine.inspect(NAME)
    assert gate is not None
    assert again is not None
    assert again.id == gate.id
    yard.live(yard.ledger.find("r1"), reason="rollback")
    assert (answer(yard, A), answer(yard, B)) == ("good v1", "nothing")


def test_it_is_asked_by_its_domain_before_the_old_one_goes(yard: Yard) -> None:
    yard.live(named(yard, 1, A))
    yard.engine.http.requests.clear()
    yard.live(named(yard, 2, A))
    asked = {request.url for request in yard.engine.http.requests}
    assert asked == {f"https://{A}/"}


def test_one_that_answers_wrongly_leaves_the_domains_as_they_were(yard: Yard) -> None:
    yard.live(named(yard, 1, A))
    with pytest.raises(StageFailed):
        yard.live(named(yard, 2, B, says="bad"))
    assert (answer(yard, A), answer(yard, B)) == ("good v1", "nothing")
    assert [one.domain for one in claims(yard.engine)] == [A]


def test_a_domain_of_another_project_is_told_before_anything_is_touched(yard: Yard) -> None:
    other = Claim(project="other", domain=B, entry=f"{B}@other-front:80")
    claim(yard.engine, other, Journal())
    with pytest.raises(EngineRefused, match=f"{B} is served by other"):
        yard.live(named(yard, 1, A, B))
    assert claims(yard.engine) == [other]
    assert yard.containers() == []


def test_a_gate_that_is_lost_is_seen_and_comes_back(yard: Yard) -> None:
    live = yard.live(named(yard, 1, A)).release
    yard.engine.remove(NAME)
    assert not is_serving(yard.site, live)
    assert converge(yard.site) == ["started r1 again"]
    assert answer(yard, A) == "good v1"


def test_without_a_domain_the_gate_is_not_needed(yard: Yard) -> None:
    yard.live(named(yard, 1, A))
    yard.live(named(yard, 2))
    assert yard.engine.inspect(NAME) is None
    assert claims(yard.engine) == []


def effects() -> int:
    yard = new_yard()
    yard.live(named(yard, 1, A))
    yard.journal = Journal()
    yard.live(named(yard, 2, A, B))
    return yard.journal.crossed


@pytest.mark.parametrize("point", range(1, effects() + 1))
def test_killed_anywhere_the_domains_are_those_of_who_is_live(yard: Yard, point: int) -> None:
    yard.live(named(yard, 1, A))
    two = named(yard, 2, A, B)
    yard.journal = Journal(die_at=point)
    site = yard.site
    with patch.object(golive, "_give_back"), pytest.raises(Killed):
        go_live(site, two, reason="release", keep=5, verify=verifier(two, site))
    assert answer(yard, A) in ("good v1", "good v2")
    again = yard.reborn()
    converge(again.site)
    current = again.ledger.current()
    assert current is not None
    live = f"good v{current.release.id[1:]}"
    assert answer(again, A) == live
    assert answer(again, B) == (live if current.release.id == "r2" else "nothing")
    handover = current.release.handover
    assert handover is not None
    assert tuple(sorted(one.domain for one in claims(again.engine))) == handover.domains
