"""The store: every run that began has one final state, and nothing is lost by a second client."""

from __future__ import annotations

import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import NotFound, StoreUnusable
from pipeline.events import Notice, PlannedStage
from pipeline.store import Home, StageRecord, Store
from pipeline.store.schema import MIGRATIONS
from pipeline.store.store import CLEAN_UP

PLAN = (PlannedStage(key="code", uses="code", action="run", reason="first"),)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(Home(tmp_path / "home"))


def begin(store: Store, run: str, project: str = "hello") -> None:
    store.begin(run, project, "pipeline.yml", "cli", 1, PLAN)


def passed(key: str, fingerprint: str | None) -> StageRecord:
    return StageRecord(
        key=key, uses=key, status="passed", started=1.0, seconds=0.5, fingerprint=fingerprint,
        artifacts=({"type": "Source", "value": {"path": "/x"}},),
    )  # fmt: skip


def test_a_run_has_one_final_state_and_the_first_one_stays(store: Store) -> None:
    begin(store, "20260101T000000-aaaa")
    assert store.run("latest").status == "running"

    store.finish("20260101T000000-aaaa", "passed", 0, {"url": "http://x"})
    store.finish("20260101T000000-aaaa", "lost", None, {})

    record = store.run("latest")
    assert (record.status, record.exit_code, record.outcome) == ("passed", 0, {"url": "http://x"})


def test_what_a_run_could_not_clean_up_is_known_until_it_is_done(store: Store) -> None:
    for run in ("20260101T000000-aaaa", "20260101T000001-bbbb", "20260101T000002-cccc"):
        begin(store, run)
    begin(store, "20260101T000003-dddd", project="other")
    store.finish("20260101T000000-aaaa", "failed", 4, {})
    store.finish("20260101T000001-bbbb", "failed", 1, {})
    store.untidy("20260101T000000-aaaa", "push")
    assert [run.id[-4:] for run in store.unsettled("hello")] == ["cccc", "aaaa"]
    [effect] = store.unsettled("hello")[1].effects
    assert (effect.stage, effect.kind, effect.done) == ("push", CLEAN_UP, None)

    store.tidied("20260101T000000-aaaa")
    store.finish("20260101T000002-cccc", "lost", None, {})
    assert store.unsettled("hello") == []


def test_only_a_success_with_a_fingerprint_can_be_reused(store: Store) -> None:
    begin(store, "20260101T000000-aaaa")
    store.stage("20260101T000000-aaaa", "hello", 0, passed("code", None))
    assert store.last_success("hello", "code") is None

    store.stage("20260101T000000-aaaa", "hello", 0, passed("code", "f1"))
    found = store.last_success("hello", "code")
    assert found is not None
    assert found[1].fingerprint == "f1"
    assert found[1].artifacts[0]["type"] == "Source"


def test_a_run_is_found_by_an_unambiguous_part_of_its_id(store: Store) -> None:
    begin(store, "20260101T000000-aaaa")
    begin(store, "20260101T000001-bbbb")

    assert store.run("bbbb").id.endswith("bbbb")
    with pytest.raises(NotFound, match="several runs match"):
        store.run("20260101")
    with pytest.raises(NotFound, match="no run is called 'cccc'"):
        store.run("cccc")


def test_events_come_back_in_order_and_from_where_a_reader_was(store: Store) -> None:
    begin(store, "20260101T000000-aaaa")
    for number in range(1, 4):
        store.event("20260101T000000-aaaa", number, Notice(message=f"m{number}"))

    assert [body["message"] for _, body in store.events("20260101T000000-aaaa", after=1)] == [
        "m2", "m3",
    ]  # fmt: skip


def test_an_effect_that_was_not_seen_to_end_stays_open(store: Store) -> None:
    begin(store, "20260101T000000-aaaa")
    first = store.effect_started("20260101T000000-aaaa", "push", "tag", "a:1")
    store.effect_started("20260101T000000-aaaa", "push", "tag", "a:2")
    store.effect_done(first)

    effects = store.run("latest").effects
    assert [(e.key, e.done is not None) for e in effects] == [("a:1", True), ("a:2", False)]


def test_forgetting_keeps_the_newest_and_what_can_be_reused(store: Store) -> None:
    for second in range(5):
        run = f"20260101T00000{second}-aaaa"
        begin(store, run)
        store.finish(run, "passed", 0, {})
    store.stage("20260101T000000-aaaa", "hello", 0, passed("code", "f1"))

    assert store.forget_project("hello", keep=2) == 2
    left = [run.id for run in store.runs("hello")]
    assert left == ["20260101T000004-aaaa", "20260101T000003-aaaa", "20260101T000000-aaaa"]


def test_two_clients_write_at_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    one, two = Store(home), Store(home)
    begin(one, "20260101T000000-aaaa")
    begin(two, "20260101T000001-bbbb")
    assert len(one.runs()) == len(two.runs()) == 2


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    Store(home).close()
    with sqlite3.connect(home.database) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")

    with pytest.raises(StoreUnusable, match="newer dockcycle") as caught:
        Store(home)
    assert "Update dockcycle" in caught.value.hint


def test_a_file_that_is_no_database_is_unusable(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.database.write_text("not a database, but long enough to be looked at" * 10)
    with pytest.raises(StoreUnusable, match="cannot be used"):
        Store(home)


def test_a_state_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnusable) as caught:
        Store(Home(tmp_path / "file" / "home"))
    assert "DOCKCYCLE_HOME" in caught.value.hint


def test_the_client_id_is_made_once_and_the_folder_is_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert home.client() == home.client()
    assert len(home.client()) == 12
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    assert sorted(path.name for path in home.path.iterdir()) == ["client"]


def test_the_home_is_named_by_the_environment() -> None:
    assert Home.find({"DOCKCYCLE_HOME": "/srv/state"}).path == Path("/srv/state")
    assert Home.find({}).path.name == "dockcycle"


def test_runs_are_found_by_what_they_were_and_listed_page_by_page(store: Store) -> None:
    for second, (trigger, branch) in enumerate([("cli", "main"), ("webhook", "next")] * 2):
        run = f"20260101T00000{second}-aaaa"
        store.begin(run, "hello", "pipeline.yml", trigger, 1, PLAN)
        made = ({"type": "Source", "value": {"path": "/x", "branch": branch}},)
        store.stage(run, "hello", 0, replace(passed("code", None), artifacts=made))
    store.finish("20260101T000003-aaaa", "failed", 1, {})

    def seconds(**wanted: Any) -> list[str]:
        return [run.id[14] for run in store.runs("hello", **wanted)]

    assert seconds(branch="main") == ["2", "0"]
    assert seconds(trigger="webhook") == ["3", "1"]
    assert seconds(status="running", trigger="webhook") == ["1"]
    assert seconds(limit=2) == ["3", "2"]
    assert seconds(limit=2, before="20260101T000002-aaaa") == ["1", "0"]
    assert seconds(branch="'; DROP TABLE runs; --") == []


def test_the_record_counts_its_runs(store: Store) -> None:
    begin(store, "20260101T000000-aaaa")
    begin(store, "20260101T000001-aaaa", project="other")
    begin(store, "20260101T000002-aaaa")
    store.finish("20260101T000000-aaaa", "passed", 0, {})
    assert store.tally() == {
        ("hello", "passed", "cli"): 1, ("hello", "running", "cli"): 1,
        ("other", "running", "cli"): 1,
    }  # fmt: skip


def test_many_who_open_a_fresh_state_at_once_all_find_its_tables(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def open_it(number: int) -> list[str]:
        together.wait()
        return Store(Home(tmp_path / f"home{number}")).projects()

    with ThreadPoolExecutor(8) as pool:
        for number in range(10):
            assert list(pool.map(open_it, [number] * 8)) == [[]] * 8
