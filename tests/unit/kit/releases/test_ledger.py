"""The ledger: atomic, the same for every client, whole enough to come back from."""

from __future__ import annotations

import pytest

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.errors import NotFound
from pipeline.kit.releases import Ledger
from tests.unit.kit.releases.site import Yard


@pytest.fixture
def yard() -> Yard:
    return Yard()


def activate(yard: Yard, number: int, **more: object) -> None:
    release = yard.release(number, "sha256:" + str(number) * 64, **more)
    yard.ledger.activate(
        release, state="live", reason="release", run="r", client="me", journal=yard.journal
    )


def test_an_empty_ledger(yard: Yard) -> None:
    assert yard.ledger.current() is None
    assert yard.ledger.next_id() == "r1"
    with pytest.raises(NotFound, match="hello has no release yet"):
        yard.ledger.previous()


def test_another_client_reads_the_same(yard: Yard) -> None:
    activate(yard, 1)
    activate(yard, 2)
    other = Ledger(yard.engine, "hello")
    assert [entry.release for entry in other.activations()] == [
        entry.release for entry in yard.ledger.activations()
    ]
    assert other.next_id() == "r3"


def test_a_release_is_found_by_id_commit_or_pushed_tag(yard: Yard) -> None:
    activate(yard, 1, commit="abcdef123456", tags={"app": ("reg:5000/hello:v1",)})
    activate(yard, 2, commit="fedcba654321", tags={"app": ("reg:5000/hello:v2",)})
    for name in ("r1", "abcdef1", "v1", "reg:5000/hello:v1"):
        assert yard.ledger.find(name).id == "r1"
    with pytest.raises(NotFound, match="no release 'v3'") as caught:
        yard.ledger.find("v3")
    assert caught.value.hint == "Kept releases: r2, r1."


def test_previous_goes_back_by_number_even_after_a_rollback(yard: Yard) -> None:
    for number in (1, 2, 3):
        activate(yard, number)
    activate(yard, 2)
    assert yard.ledger.previous().id == "r1"


def test_a_number_that_another_client_took_is_not_taken_over(yard: Yard) -> None:
    activate(yard, 1)
    rival = Yard(engine=yard.engine)

    class Late(Ledger):
        def current(self) -> None:  # has not seen the rival's entry
            return None

    late = Late(yard.engine, "hello")
    made = late.activate(
        rival.release(2, "sha256:" + "2" * 64), state="live", reason="release", run="r",
        client="other", journal=rival.journal,
    )  # fmt: skip
    assert made.number == 2
    assert [entry.release.id for entry in yard.ledger.activations()] == ["r1", "r2"]


def test_records_that_are_not_understood_are_left_alone(yard: Yard) -> None:
    yard.engine.create_volume(
        "dockcycle.hello.000009",
        {"dockcycle.project": "hello", "dockcycle.role": "record", "dockcycle.record": "{}"},
    )
    activate(yard, 1)
    current = yard.ledger.current()
    assert current is not None
    assert current.release.id == "r1"


def test_erasing_takes_only_the_project(yard: Yard) -> None:
    activate(yard, 1)
    yard.engine.create_volume("decoy", {"dockcycle.project": "other", "dockcycle.role": "record"})
    yard.engine.create_volume("mine", {})
    yard.ledger.erase()
    assert yard.ledger.activations() == []
    assert {v.name for v in yard.engine.volumes({})} == {"decoy", "mine"}


def test_two_engines_have_two_ledgers() -> None:
    one, two = Yard(), Yard(engine=FakeEngine())
    activate(one, 1)
    assert two.ledger.current() is None
