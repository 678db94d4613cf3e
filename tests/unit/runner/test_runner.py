"""The runner's contract: order, deadlines, attempts, cleanup, records."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.artifacts import CheckReport, GitRecord, PushedImages, Source
from pipeline.errors import Cancelled, Exit, PortTaken, StageFailed, StoreUnusable
from pipeline.events import Event, Notice, RunFinished, StageFinished
from pipeline.runner import EventBus, Masker, runner, teardown
from pipeline.scope import Scope
from pipeline.stage import Context
from tests.support.pipelines import Bench
from tests.support.stages import PUSHED, RECORD, REPORT, SOURCE, Told


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def raising(error: Exception) -> Callable[[Context], None]:
    def act(ctx: Context) -> None:
        raise error

    return act


def three(bench: Bench, **acts: Callable[[Context], Any]) -> list[Told]:
    idle: Callable[[Context], Any] = lambda ctx: None  # noqa: E731
    return [
        bench.stage("code", makes=[SOURCE], act=acts.get("code", idle)),
        bench.stage("build", needs=[Source], makes=[REPORT], act=acts.get("build", idle)),
        bench.stage(
            "push", needs=[CheckReport], makes=[PUSHED], releases=True, act=acts.get("push", idle)
        ),
    ]


def statuses(bench: Bench) -> dict[str, str]:
    return {event.stage: event.status for event in bench.events if isinstance(event, StageFinished)}


def test_a_run_that_passes_finishes_in_reverse_and_is_on_record(bench: Bench) -> None:
    result = bench.run(three(bench))

    assert (result.status, result.exit_code) == ("passed", 0)
    assert bench.log.of("run") == ["code", "build", "push"]
    assert bench.log.of("finish") == ["push", "build", "code"]
    assert bench.log.of("cleanup") == []
    record = bench.store.run("latest")
    assert (record.status, record.outcome) == ("passed", {"commit": "a" * 40})
    assert [stage.status for stage in record.stages] == ["passed"] * 3
    last = bench.events[-1]
    assert isinstance(last, RunFinished)
    assert (last.run, last.status) == (record.id, "passed")


def test_after_a_failure_nothing_starts_and_what_started_is_cleaned_up(bench: Bench) -> None:
    error = StageFailed("tests broke", hint="mend them", detail="1 failed")
    result = bench.run(three(bench, build=raising(error)))

    assert (result.status, result.exit_code, result.error) == ("failed", 1, error)
    assert bench.log.of("run") == ["code", "build"]
    assert bench.log.of("cleanup") == ["build", "code"]
    assert statuses(bench) == {"code": "passed", "build": "failed", "push": "skipped"}
    kept = bench.store.run("latest").stages[1].error
    assert kept is not None
    assert (kept["kind"], kept["detail"]) == ("StageFailed", "1 failed")


def test_what_is_certain_to_fail_fails_before_anything_is_done(bench: Bench) -> None:
    stages = three(bench)
    stages[2].ahead = raising(PortTaken("port 8000 is in use"))
    result = bench.run(stages)
    assert (result.status, result.exit_code) == ("failed", 1)
    assert bench.log.lines == []
    assert statuses(bench) == {"push": "failed", "code": "skipped", "build": "skipped"}


def test_only_what_will_run_and_must_succeed_is_looked_at_ahead(bench: Bench) -> None:
    bench.run(three(bench))
    stages = three(bench)
    stages[1].ahead = stages[2].ahead = raising(PortTaken("port 8000 is in use"))
    stages[2].print = None
    assert bench.run(stages, push={"allow_failure": True}).status == "passed"


def test_a_cleanup_that_fails_does_not_keep_the_others_from_theirs(bench: Bench) -> None:
    stages = three(bench, push=raising(StageFailed("no")))
    stages[1].tidy = raising(RuntimeError("broken cleanup"))
    result = bench.run(stages)
    assert result.exit_code == 1
    assert bench.log.of("cleanup") == ["push", "build", "code"]
    assert any("broken cleanup" in getattr(event, "message", "") for event in bench.events)
    [left] = bench.store.unsettled("hello")
    assert [(effect.stage, effect.done) for effect in left.effects] == [("build", None)]


def test_a_clean_up_that_comes_to_its_end_leaves_nothing_to_settle(bench: Bench) -> None:
    bench.run(three(bench, push=raising(StageFailed("no"))))
    assert bench.store.unsettled("hello") == []


def test_a_bug_in_a_stage_is_not_a_failure_of_the_app(bench: Bench) -> None:
    result = bench.run(three(bench, build=raising(KeyError("x"))))
    assert result.exit_code == Exit.BUG
    assert statuses(bench)["build"] == "failed"


def test_a_stage_that_does_not_make_what_it_says_is_a_bug(bench: Bench) -> None:
    stages = three(bench)
    stages[0].products = []
    result = bench.run(stages)
    assert result.exit_code == Exit.BUG
    assert "Source" in str(result.error)


def test_independent_stages_run_side_by_side(bench: Bench) -> None:
    together = threading.Barrier(2, timeout=10)
    stages = [
        bench.stage("code", makes=[SOURCE]),
        bench.stage("one", needs=[Source], makes=[REPORT], act=lambda ctx: together.wait()),
        bench.stage("two", needs=[Source], makes=[RECORD], act=lambda ctx: together.wait()),
    ]
    assert bench.run(stages).status == "passed"


def test_sequential_keeps_the_order_of_the_file(bench: Bench) -> None:
    alone = threading.Lock()

    def act(ctx: Context) -> None:
        assert alone.acquire(blocking=False)
        time.sleep(0.02)
        alone.release()

    stages = [
        bench.stage("code", makes=[SOURCE]),
        bench.stage("one", needs=[Source], makes=[REPORT], act=act),
        bench.stage("two", needs=[Source], makes=[RECORD], act=act),
    ]
    assert bench.run(stages, sequential=True).status == "passed"


def test_a_releasing_stage_waits_for_everything_before_it(bench: Bench) -> None:
    stages = [
        bench.stage("code", makes=[SOURCE]),
        bench.stage("scan", needs=[Source], makes=[RECORD], act=raising(StageFailed("found"))),
        bench.stage("push", needs=[Source], makes=[PUSHED], releases=True),
    ]
    assert bench.run(stages).exit_code == 1
    assert bench.log.of("run") == ["code", "scan"]


def test_a_failure_ends_what_runs_beside_it(bench: Bench) -> None:
    stages = [
        bench.stage("code", makes=[SOURCE]),
        bench.stage("slow", needs=[Source], makes=[RECORD], act=lambda ctx: ctx.scope.sleep(60)),
        bench.stage("bad", needs=[Source], makes=[REPORT], act=raising(StageFailed("no"))),
    ]
    begun = time.monotonic()
    assert bench.run(stages).exit_code == 1
    assert time.monotonic() - begun < 20
    assert statuses(bench) == {"code": "passed", "slow": "cancelled", "bad": "failed"}


def test_an_allowed_failure_stops_nothing_but_what_needs_it(bench: Bench) -> None:
    stages = [
        bench.stage("code", makes=[SOURCE]),
        bench.stage("scan", needs=[Source], makes=[REPORT], act=raising(StageFailed("found"))),
        bench.stage("uses", needs=[CheckReport], makes=[RECORD]),
        bench.stage("push", needs=[Source], makes=[PUSHED], releases=True),
    ]
    result = bench.run(stages, scan={"allow_failure": True})
    assert result.exit_code == 0
    assert statuses(bench) == {
        "code": "passed", "scan": "allowed_failure", "uses": "skipped", "push": "passed",
    }  # fmt: skip


def test_retries_clean_up_and_try_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.runner.work.RETRY_PAUSE", 0.01)
    left = [StageFailed("flaky")]

    def act(ctx: Context) -> None:
        if left:
            raise left.pop()

    result = bench.run(three(bench, build=act), build={"retries": 1})
    assert result.status == "passed"
    assert bench.log.of("run") == ["code", "build", "build", "push"]
    assert bench.log.of("cleanup") == ["build"]


def test_a_stage_that_keeps_to_its_deadline_is_told_so(bench: Bench) -> None:
    result = bench.run(three(bench, build=lambda ctx: ctx.scope.sleep(60)), build={"timeout": 0.2})
    assert result.exit_code == 1
    assert "stage build did not finish within its limit of 0.2 s" in str(result.error)


def test_a_stage_that_hangs_costs_its_deadline_and_a_grace(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "HANG_GRACE", 0.3)
    hang = threading.Event()
    stages = three(bench, build=lambda ctx: hang.wait(60))
    begun = time.monotonic()
    result = bench.run(stages, build={"timeout": 0.2})
    hang.set()
    assert result.exit_code == 1
    assert time.monotonic() - begun < 20
    assert bench.log.of("cleanup") == ["build", "code"]


def test_a_cleanup_that_hangs_costs_its_limit(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teardown, "CLEANUP_SECONDS", 0.3)
    hang = threading.Event()
    stages = three(bench, push=raising(StageFailed("no")))
    stages[2].tidy = lambda ctx: hang.wait(60)
    begun = time.monotonic()
    assert bench.run(stages).exit_code == 1
    hang.set()
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("code", [Exit.INTERRUPTED, Exit.TERMINATED])
def test_an_interruption_cleans_up_and_is_on_record(bench: Bench, code: Exit) -> None:
    scope = Scope()

    def act(ctx: Context) -> None:
        scope.cancel(Cancelled(exit_code=code))
        ctx.scope.sleep(60)

    result = bench.run(three(bench, build=act), scope=scope)
    assert (result.status, result.exit_code) == ("interrupted", code)
    assert bench.log.of("cleanup") == ["build", "code"]
    assert bench.store.run("latest").status == "interrupted"


def test_an_interruption_leaves_what_hangs_in_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when both a stage and its cleanup do not come to their end."""
    monkeypatch.setattr(runner, "INTERRUPTED_GRACE", 0.6)
    monkeypatch.setattr(teardown, "INTERRUPTED_SECONDS", 1.2)
    scope, hang = Scope(), threading.Event()

    def act(ctx: Context) -> None:
        scope.cancel(Cancelled())
        hang.wait(60)

    stages = three(bench, build=act)
    stages[1].tidy = lambda ctx: hang.wait(60)
    begun = time.monotonic()
    result = bench.run(stages, scope=scope)
    hang.set()
    assert result.exit_code == Exit.INTERRUPTED
    assert 0.6 < time.monotonic() - begun < 5


def test_a_full_disk_ends_the_run_and_still_cleans_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise StoreUnusable("disk full")

    def act(ctx: Context) -> None:
        monkeypatch.setattr(bench.store, "event", full)
        monkeypatch.setattr(bench.store, "stage", full)
        ctx.log("a line that cannot be kept")
        ctx.scope.check()

    result = bench.run(three(bench, build=act))
    assert (result.exit_code, str(result.error)) == (Exit.UNUSABLE, "disk full")
    assert bench.log.of("cleanup") == ["build", "code"]
    told = [event for event in bench.events if isinstance(event, Notice)]
    assert [(notice.level, notice.message) for notice in told] == [("error", "disk full")]


def test_what_the_machine_lacks_is_no_bug_of_ours(bench: Bench) -> None:
    def act(ctx: Context) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/x")

    result = bench.run(three(bench, build=act))
    assert (result.exit_code, str(result.error)) == (4, "/tmp/x: No space left on device")
    bug = bench.run(three(bench, build=raising(FileNotFoundError(errno.ENOENT, "no", "/tmp/x"))))
    assert bug.exit_code == Exit.BUG


def test_what_cannot_be_recorded_is_undone_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    undone = []

    def full(*args: object) -> int:
        raise StoreUnusable("disk full")

    def act(ctx: Context) -> None:
        monkeypatch.setattr(bench.store, "effect_started", full)
        with ctx.journal.effect("container", "hello"):
            pytest.fail("what cannot be recorded must not be done")

    def tidy(ctx: Context) -> None:
        with ctx.journal.effect("remove", "hello"):
            undone.append("hello")

    stages = three(bench, build=act)
    stages[1].tidy = tidy
    assert bench.run(stages).exit_code == Exit.UNUSABLE
    assert undone == ["hello"]


def test_secrets_are_masked_in_events_and_in_the_record(bench: Bench) -> None:
    def act(ctx: Context) -> None:
        ctx.log(f"using {ctx.secrets.get('TOKEN')}")
        raise StageFailed("bad secret-of-TOKEN", detail="secret-of-TOKEN")

    result = bench.run(three(bench, build=act))
    everything = str([event.to_json() for event in bench.events]) + str(bench.store.run("latest"))
    assert result.exit_code == 1
    assert "using ***" in everything
    assert "secret-of-TOKEN" not in everything


def test_a_renderer_that_breaks_is_dropped_and_the_run_goes_on(bench: Bench) -> None:
    shown: list[Event] = []

    def broken(event: Event) -> None:
        raise BrokenPipeError

    bus = EventBus("r", Masker(), record=lambda n, e: None, renderers=[broken, shown.append])
    bus.emit(RunFinished())
    bus.emit(RunFinished())
    assert len(shown) == 2
    assert [type(error) for error in bus.dropped] == [BrokenPipeError]


def test_evidence_of_every_kind_arrives(bench: Bench) -> None:
    seen: list[type] = []

    def act(ctx: Context) -> None:
        seen.extend(type(artifact) for artifact in ctx.evidence)

    stages = [
        bench.stage("code", makes=[SOURCE]),
        bench.stage("push", needs=[Source], makes=[PUSHED, RECORD]),
        bench.stage("end", needs=[PushedImages], wants=[GitRecord], makes=[REPORT], act=act),
    ]
    assert bench.run(stages).status == "passed"
    assert set(seen) == {Source, PushedImages, GitRecord}
