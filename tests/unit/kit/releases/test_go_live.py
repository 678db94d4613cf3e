"""One release takes over from another, or the old one stays; killed anywhere, it converges."""

from __future__ import annotations

import pytest

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.artifacts import Release
from pipeline.errors import NotFound, PortTaken, StageFailed
from pipeline.kit.releases import converge, switch_for
from pipeline.kit.releases.images import protecting_tag
from tests.unit.kit.releases.site import Journal, Killed, Yard


@pytest.fixture
def yard() -> Yard:
    return Yard()


def tags(yard: Yard) -> set[str]:
    return {tag for image in yard.engine.images({}) for tag in image.tags}


def test_the_first_release_goes_live(yard: Yard) -> None:
    went = yard.live(yard.release(1, yard.image("one")))

    assert yard.serving() == ["hello-r1"]
    current = yard.ledger.current()
    assert current is not None
    assert (current.release, current.state, went.previous) == (went.release, "live", None)
    assert went.release.gap is not None
    container = yard.engine.inspect("hello-r1")
    assert container is not None
    assert container.environment["PW"] == "s3cret"
    assert container.restart == "unless-stopped"
    assert "s3cret" not in str(yard.ledger.activations())


def test_the_old_one_stops_and_stays_ready(yard: Yard) -> None:
    yard.live(yard.release(1, yard.image("one")))
    yard.live(yard.release(2, yard.image("two")))

    assert yard.serving() == ["hello-r2"]
    assert yard.containers() == ["hello-r1", "hello-r2"]
    old = yard.engine.inspect("hello-r1")
    assert old is not None
    assert old.restart == "no"  # or an engine restart would bring it up beside the new one
    assert [r.id for r in yard.ledger.releases()] == ["r2", "r1"]


def test_one_that_answers_wrongly_gives_way_to_the_old_one(yard: Yard) -> None:
    yard.live(yard.release(1, yard.image("one")))
    before = tags(yard)
    bad = yard.image("two", answer="bad")
    with pytest.raises(StageFailed, match="r2 did not hold, r1 serves again: check"):
        yard.live(yard.release(2, bad))

    assert yard.serving() == yard.containers() == ["hello-r1"]
    assert [r.id for r in yard.ledger.releases()] == ["r1"]
    assert tags(yard) == before
    assert yard.engine.image(bad) is None


def test_a_first_release_that_does_not_hold_leaves_nothing(yard: Yard) -> None:
    with pytest.raises(StageFailed, match="r1 did not hold, nothing serves"):
        yard.live(yard.release(1, yard.image("one", answer="bad")))
    assert yard.containers() == []
    assert yard.ledger.activations() == []


def test_a_taken_port_is_found_before_anything_is_touched() -> None:
    yard = Yard(engine=FakeEngine(port_taken=[8000]))
    with pytest.raises(PortTaken):
        yard.live(yard.release(1, yard.image("one")))
    assert yard.journal.effects == []


def test_an_image_that_is_gone_is_told_with_where_it_can_be_had(yard: Yard) -> None:
    release = yard.release(1, "sha256:" + "0" * 64, digests={"app": ("reg/hello@sha256:1",)})
    with pytest.raises(NotFound, match="no longer on the engine") as caught:
        yard.live(release)
    assert "docker pull reg/hello@sha256:1" in caught.value.hint
    assert yard.journal.effects == []


def test_rolling_back_starts_the_very_container_that_served(yard: Yard) -> None:
    one = yard.live(yard.release(1, yard.image("one"))).release
    old = yard.engine.inspect("hello-r1")
    yard.live(yard.release(2, yard.image("two")))

    assert yard.ledger.previous() == one
    yard.live(yard.ledger.find("r1"), reason="rollback")

    back = yard.engine.inspect("hello-r1")
    assert old is not None
    assert back is not None
    assert (back.id, back.restart) == (old.id, "unless-stopped")
    assert yard.serving() == ["hello-r1"]
    assert [r.id for r in yard.ledger.releases()] == ["r2", "r1"]


def test_rolling_back_works_without_the_container_too(yard: Yard) -> None:
    yard.live(yard.release(1, yard.image("one")))
    yard.live(yard.release(2, yard.image("two")))
    yard.engine.remove("hello-r1")
    yard.live(yard.ledger.find("r1"), reason="rollback")
    assert yard.serving() == ["hello-r1"]


def test_releases_beyond_keep_go_with_all_that_is_theirs(yard: Yard) -> None:
    for number in (1, 2, 3):
        went = yard.live(yard.release(number, yard.image(str(number))), keep=2)
    assert [r.id for r in went.retired] == ["r1"]
    assert yard.containers() == ["hello-r2", "hello-r3"]
    assert len(yard.ledger.activations()) == 2
    assert len(yard.engine.images({"dockcycle.project": "hello"})) == 2
    assert tags(yard) >= {protecting_tag(went.release, "app")}


def test_an_image_that_a_kept_release_shares_stays(yard: Yard) -> None:
    shared = yard.image("one")
    yard.live(yard.release(1, shared), keep=1)
    yard.live(yard.release(2, shared), keep=1)
    assert yard.engine.image(shared) is not None


def effects_of_a_second_release() -> int:
    yard = Yard()
    yard.live(yard.release(1, yard.image("one")))
    before = yard.journal.crossed
    yard.live(yard.release(2, yard.image("two")))
    return yard.journal.crossed - before


@pytest.mark.parametrize("point", range(1, effects_of_a_second_release() + 1))
def test_killed_at_any_effect_it_converges_to_one_of_the_two(yard: Yard, point: int) -> None:
    yard.live(yard.release(1, yard.image("one")))
    two = yard.image("two")
    yard.journal = Journal(die_at=point)
    dying = yard.site
    with pytest.raises(Killed):
        # A killed process runs no handler: the give-back inside go_live must not run either.
        _without_give_back(dying, yard.release(2, two))

    again = yard.reborn()
    converge(again.site)
    current = again.ledger.current()
    assert current is not None
    assert again.serving() == [f"hello-{current.release.id}"]
    kept = {f"hello-{r.id}" for r in again.ledger.releases()}
    assert set(again.containers()) == kept

    again.live(again.release(2, two))
    assert again.serving() == ["hello-r2"]
    assert again.containers() == ["hello-r1", "hello-r2"]


@pytest.mark.parametrize("point", range(1, effects_of_a_second_release() + 1))
def test_an_engine_that_restarts_meanwhile_brings_back_what_was_in_force(
    yard: Yard, point: int
) -> None:
    yard.live(yard.release(1, yard.image("one")))
    two = yard.image("two")
    yard.journal = Journal(die_at=point)
    with pytest.raises(Killed):
        _without_give_back(yard.site, yard.release(2, two))
    yard.engine.restart_engine()

    [serving] = yard.serving()
    assert serving in {f"hello-{release.id}" for release in yard.ledger.releases()}

    again = yard.reborn()
    converge(again.site)
    current = again.ledger.current()
    assert current is not None
    yard.engine.restart_engine()
    assert again.serving() == [f"hello-{current.release.id}"]


def test_an_app_that_is_not_to_be_restarted_is_not(yard: Yard) -> None:
    yard.live(never(yard.release(1, yard.image("one"))))
    yard.journal = Journal()
    two = never(yard.release(2, yard.image("two")))
    for point in range(1, effects_of_a_second_release() + 1):
        other = yard.reborn()
        other.journal = Journal(die_at=point)
        with pytest.raises(Killed):
            _without_give_back(other.site, two)
        policies = {c.restart for c in yard.engine.containers({"dockcycle.role": "live"})}
        assert policies == {"no"}
        converge(yard.site)
        if len(yard.ledger.releases()) == 2:
            return
    pytest.fail("it never came into force")


def never(release: Release) -> Release:
    return release.model_copy(update={"spec": {**release.spec, "restart": "no"}})


def test_a_container_that_never_came_into_force_is_not_taken_for_a_new_release(yard: Yard) -> None:
    yard.live(yard.release(1, yard.image("one")))
    stray = yard.release(2, yard.image("stray"))
    switch_for(stray, yard.site).prepare(stray)

    two = yard.image("two")
    yard.live(yard.release(2, two))
    container = yard.engine.inspect("hello-r2")
    assert container is not None
    assert container.image == two


def effects_of_forgetting() -> int:
    yard = Yard()
    yard.live(yard.release(1, yard.image("one")))
    before = yard.journal.crossed
    yard.live(yard.release(2, yard.image("two")), keep=1)
    return yard.journal.crossed - before


@pytest.mark.parametrize("point", range(1, effects_of_forgetting() + 1))
def test_killed_while_it_forgets_the_next_time_forgets_it_all(yard: Yard, point: int) -> None:
    yard.live(yard.release(1, yard.image("one")))
    two = yard.image("two")
    yard.journal = Journal(die_at=point)
    with pytest.raises(Killed):
        _without_give_back(yard.site, yard.release(2, two), keep=1)

    again = yard.reborn()
    converge(again.site)
    again.live(again.release(2, two), keep=1)
    assert [r.id for r in again.ledger.releases()] == ["r2"]
    assert again.containers() == ["hello-r2"]
    assert tags(again) == {"hello:two", "dockcycle/hello-app:r2"}


def _without_give_back(site: object, release: object, keep: int = 5) -> None:
    from unittest.mock import patch

    from pipeline.kit.releases import go_live, golive, verifier

    with patch.object(golive, "_give_back"):
        go_live(site, release, reason="release", keep=keep, verify=verifier(release, site))  # type: ignore[arg-type]


def test_what_was_stopped_on_purpose_is_kept_stopped(yard: Yard) -> None:
    release = yard.live(yard.release(1, yard.image("one"))).release
    yard.ledger.activate(
        release, state="stopped", reason="stop", run="x", client="me", journal=yard.journal
    )
    assert converge(yard.site) == ["stopped r1, as it was asked to be"]
    assert yard.serving() == []
    assert converge(yard.site) == []
