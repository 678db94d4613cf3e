from pipeline.adapters.fake_engine import FakeEngine
from pipeline.kit import in_place
from pipeline.kit.in_place import Record
from tests.support.stage_context import ListJournal


def test_the_last_record_counts_and_is_the_only_one() -> None:
    engine, journal = FakeEngine(), ListJournal()
    assert in_place.read(engine, "hello") is None
    for run in ("20260101T000000-aaaa", "20260102T000000-bbbb"):
        record = Record(run=run, kind="compose", spec={"services": {}}, images={"web": "sha256:1"})
        in_place.write(engine, "hello", record, client="c", journal=journal)
    assert in_place.read(engine, "hello") == record
    assert in_place.read(engine, "other") is None
    assert len(engine.state.volumes) == 1
    assert [kind for kind, _ in journal.done] == ["record"] * 3
    assert in_place.is_of(record, {"dockcycle.run": "20260102T000000-bbbb"})
    assert not in_place.is_of(record, {"dockcycle.run": "20260101T000000-aaaa"})
    assert not in_place.is_of(None, {})
    in_place.forget(engine, "hello", journal=journal)
    assert engine.state.volumes == {}


def test_of_two_records_the_newer_one_counts() -> None:
    engine, journal = FakeEngine(), ListJournal()
    first = Record(run="20260101T000000-aaaa", kind="container")
    in_place.write(engine, "hello", first, client="c", journal=journal)
    kept = dict(engine.state.volumes)
    second = Record(run="20260102T000000-bbbb", kind="container")
    in_place.write(engine, "hello", second, client="c", journal=journal)
    engine.state.volumes |= kept  # as if killed before the old one was removed
    assert in_place.read(engine, "hello") == second
    in_place.write(engine, "hello", second, client="c", journal=journal)
    assert len(engine.state.volumes) == 1


def test_a_record_that_cannot_be_read_counts_as_none() -> None:
    engine = FakeEngine()
    labels = {"dockcycle.project": "hello", "dockcycle.role": "in-place", "dockcycle.record": "{}"}
    engine.create_volume("dockcycle-hello-in-place-x", labels)
    assert in_place.read(engine, "hello") is None
