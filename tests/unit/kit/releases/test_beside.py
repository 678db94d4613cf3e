"""Blue-green on the fake engine: the front always leads to a version that answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from pipeline.adapters.fake_engine import Program, says
from pipeline.artifacts import Handover, Release
from pipeline.errors import StageFailed
from pipeline.kit.front import fronts
from pipeline.kit.releases import Site, converge, go_live, golive, is_serving, verifier
from pipeline.ports.engine import Port
from pipeline.ports.http import HttpFailure, HttpRequest, HttpResponse
from pipeline.scope import Scope
from tests.unit.kit.releases.site import PORT, Journal, Killed, Yard, new_yard

QUICK = Handover(soak=2, drain=1)


@pytest.fixture
def yard() -> Yard:
    return new_yard()


def fronted(yard: Yard, number: int, answer: str = "good") -> Release:
    return yard.release(number, yard.image(f"v{number}", f"{answer} v{number}"), handover=QUICK)


def answer(yard: Yard) -> str:
    """What users get at the port."""
    request = HttpRequest(url=f"http://127.0.0.1:{PORT}/")
    try:
        got = yard.engine.http.request(request, Scope(5))
    except HttpFailure:
        return "refused"
    return got.body.decode() if got.status == 200 else str(got.status)


def test_the_first_release_is_behind_the_front(yard: Yard) -> None:
    yard.live(fronted(yard, 1))
    assert yard.serving() == ["hello-r1"]
    [front] = fronts(yard.engine, "hello")
    assert front.ports[0].host_port == PORT
    app = yard.engine.inspect("hello-r1")
    assert app is not None
    assert (app.ports, list(app.addresses)) == ((), ["hello-front"])
    assert answer(yard) == "good v1"


def test_a_release_takes_over_without_a_gap(yard: Yard) -> None:
    first = yard.live(fronted(yard, 1)).release
    [before] = fronts(yard.engine, "hello")
    went = yard.live(fronted(yard, 2))
    assert (went.gap, went.release.gap, went.previous) == (0.0, 0.0, first)
    assert yard.serving() == ["hello-r2"]
    assert answer(yard) == "good v2"
    assert [front.id for front in fronts(yard.engine, "hello")] == [before.id]
    old = yard.engine.inspect("hello-r1")
    assert old is not None
    assert old.restart == "no"
    assert is_serving(yard.site, went.release)


def test_a_rollback_takes_the_same_way(yard: Yard) -> None:
    yard.live(fronted(yard, 1))
    old = yard.engine.inspect("hello-r1")
    yard.live(fronted(yard, 2))
    went = yard.live(yard.ledger.find("r1"), reason="rollback")
    back = yard.engine.inspect("hello-r1")
    assert old is not None
    assert back is not None
    assert (back.id, back.restart, went.gap) == (old.id, "unless-stopped", 0.0)
    assert answer(yard) == "good v1"


def test_one_that_answers_wrongly_when_tried_out_never_gets_a_request(yard: Yard) -> None:
    yard.live(fronted(yard, 1))
    routes = [effect for effect in yard.journal.effects if effect.startswith("route")]
    with pytest.raises(StageFailed, match="r2 did not hold, r1 serves again"):
        yard.live(fronted(yard, 2, answer="bad"))
    assert [effect for effect in yard.journal.effects if effect.startswith("route")] == routes
    assert yard.serving() == ["hello-r1"]
    assert answer(yard) == "good v1"


def scripted(yard: Yard, answers: Callable[[int], str]) -> Release:
    """A release whose nth answer is ``answers(n)``."""
    count = iter(range(1, 1000))

    def reply(request: HttpRequest) -> HttpResponse:
        return says(answers(next(count)))

    image = yard.image("two")
    yard.engine.state.images[image].program = Program(answer=reply)
    return yard.release(2, image, handover=QUICK)


def test_one_that_flaps_is_found_before_anybody_is_sent_to_it(yard: Yard) -> None:
    yard.live(fronted(yard, 1))
    with pytest.raises(StageFailed, match="r1 serves again"):
        yard.live(scripted(yard, lambda n: "good" if n % 2 else "bad"))
    assert "route hello-r2" not in yard.journal.effects
    assert answer(yard) == "good v1"


def test_one_that_turns_bad_while_it_is_watched_gives_way(yard: Yard) -> None:
    yard.live(fronted(yard, 1))
    with pytest.raises(StageFailed, match="r2 did not hold, r1 serves again"):
        yard.live(scripted(yard, lambda n: "good" if n < 6 else "bad"))
    assert [e for e in yard.journal.effects if e.startswith("route")] == [
        "route hello-r2", "route hello-r1",
    ]  # fmt: skip
    assert yard.serving() == yard.containers_of_releases() == ["hello-r1"]
    assert answer(yard) == "good v1"


def test_one_that_ends_while_it_is_watched_gives_way(yard: Yard) -> None:
    yard.live(fronted(yard, 1))

    def crash(n: int) -> str:
        if n == 5:
            yard.engine.crash("hello-r2")
        return "good"

    with pytest.raises(StageFailed, match="r2 did not stay up"):
        yard.live(scripted(yard, crash))
    assert answer(yard) == "good v1"


def test_a_first_release_that_does_not_hold_leaves_nothing(yard: Yard) -> None:
    with pytest.raises(StageFailed, match="nothing serves"):
        yard.live(fronted(yard, 1, answer="bad"))
    assert yard.containers() == []
    assert yard.engine.networks({}) == []
    assert yard.ledger.activations() == []


def test_from_replace_to_blue_green_and_back(yard: Yard) -> None:
    plain = yard.live(yard.release(1, yard.image("v1", "good v1"))).release
    yard.live(fronted(yard, 2))
    assert (answer(yard), yard.serving()) == ("good v2", ["hello-r2"])
    yard.live(plain, reason="rollback")
    assert (answer(yard), yard.serving()) == ("good v1", ["hello-r1"])
    assert fronts(yard.engine, "hello") == []
    yard.live(yard.ledger.find("r2"), reason="rollback")
    assert (answer(yard), yard.serving()) == ("good v2", ["hello-r2"])


def test_a_change_of_strategy_that_fails_goes_back(yard: Yard) -> None:
    yard.live(yard.release(1, yard.image("v1", "good v1")))
    with pytest.raises(StageFailed):
        yard.live(fronted(yard, 2, answer="bad"))
    assert (answer(yard), fronts(yard.engine, "hello")) == ("good v1", [])
    yard.live(fronted(yard, 2))
    with pytest.raises(StageFailed):
        yard.live(yard.release(3, yard.image("v3", "bad")))
    assert (answer(yard), yard.serving()) == ("good v2", ["hello-r2"])


def test_other_ports_mean_another_front(yard: Yard) -> None:
    yard.live(fronted(yard, 1))
    two = fronted(yard, 2)
    ports = [Port(container=9000, host_port=PORT).model_dump(mode="json")]
    moved = two.model_copy(update={"spec": {**two.spec, "ports": ports}})
    yard.live(moved)
    assert (answer(yard), yard.serving()) == ("good v2", ["hello-r2"])
    yard.live(yard.ledger.find("r1"), reason="rollback")
    assert (answer(yard), yard.serving()) == ("good v1", ["hello-r1"])


def test_a_lost_front_or_a_lost_network_comes_back(yard: Yard) -> None:
    yard.live(fronted(yard, 1))
    yard.engine.remove("hello-front")
    assert answer(yard) == "refused"
    assert converge(yard.site) == ["started r1 again"]
    assert answer(yard) == "good v1"
    assert converge(yard.site) == []


def test_what_was_stopped_on_purpose_has_no_front(yard: Yard) -> None:
    release = yard.live(fronted(yard, 1)).release
    yard.ledger.activate(
        release, state="stopped", reason="stop", run="x", client="me", journal=yard.journal
    )
    assert converge(yard.site) == [
        "removed hello-front", "stopped r1, as it was asked to be",
    ]  # fmt: skip
    assert (answer(yard), converge(yard.site)) == ("refused", [])


# killed anywhere


def effects_of(release: Callable[[Yard], Release]) -> int:
    yard = new_yard()
    yard.live(fronted(yard, 1))
    new = release(yard)
    before = yard.journal.crossed
    yard.live(new)
    return yard.journal.crossed - before


def second(yard: Yard) -> Release:
    return fronted(yard, 2)


def without_front(yard: Yard) -> Release:
    return yard.release(2, yard.image("v2", "good v2"))


def die(site: Site, release: Release) -> None:
    """A killed process runs no handler: what gives back must not run either."""
    with patch.object(golive, "_give_back"), pytest.raises(Killed):
        go_live(site, release, reason="release", keep=5, verify=verifier(release, site))


@pytest.mark.parametrize("point", range(1, effects_of(second) + 1))
def test_killed_anywhere_somebody_good_answers_all_the_while(yard: Yard, point: int) -> None:
    yard.live(fronted(yard, 1))
    two = fronted(yard, 2)
    yard.journal = Journal(die_at=point)
    die(yard.site, two)
    assert answer(yard) in ("good v1", "good v2")
    yard.engine.restart_engine()
    assert answer(yard) in ("good v1", "good v2")

    again = yard.reborn()
    watched = Watched(again)
    with (
        patch.object(again.engine, "remove", watched.remove),
        patch.object(again.engine, "stop", watched.stop),
    ):
        converge(again.site)
    assert set(watched.answers) <= {"good v1", "good v2"}
    current = again.ledger.current()
    assert current is not None
    assert again.serving() == [f"hello-{current.release.id}"]
    assert answer(again) == ("good v1" if current.release.id == "r1" else "good v2")
    assert set(again.containers_of_releases()) == {f"hello-{r.id}" for r in again.ledger.releases()}
    again.live(again.release(2, two.images["app"], handover=QUICK))
    assert answer(again) == "good v2"


class Watched:
    """Asks the port after each removal and each stop."""

    def __init__(self, yard: Yard) -> None:
        self._yard = yard
        self._remove, self._stop = yard.engine.remove, yard.engine.stop
        self.answers: list[str] = []

    def remove(self, container: str, **more: Any) -> None:
        self._remove(container, **more)
        self.answers.append(answer(self._yard))

    def stop(self, container: str, grace: int | None = None) -> None:
        self._stop(container, grace)
        self.answers.append(answer(self._yard))


@pytest.mark.parametrize("point", range(1, effects_of(without_front) + 1))
def test_killed_while_the_front_goes_it_converges(yard: Yard, point: int) -> None:
    yard.live(fronted(yard, 1))
    two = without_front(yard)
    yard.journal = Journal(die_at=point)
    die(yard.site, two)
    again = yard.reborn()
    converge(again.site)
    current = again.ledger.current()
    assert current is not None
    assert answer(again) == f"good v{current.release.id[1:]}"
    assert again.serving() == [f"hello-{current.release.id}"]
    assert len(fronts(again.engine, "hello")) == (1 if current.release.handover else 0)
