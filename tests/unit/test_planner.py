"""What will run, what is reused, and the reason that is told for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.artifacts import App, CheckReport, Source
from pipeline.errors import UsageError
from pipeline.planner import Plan, Selection
from tests.support.pipelines import Bench
from tests.support.stages import PUSHED, REPORT, SOURCE, Told

APP = App(kind="container", services={}, spec={})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def chain(bench: Bench, **prints: str | None) -> list[Told]:
    """code makes Source, run makes App (scaffolding), smoke makes a report of it, push releases."""
    return [
        bench.stage("code", makes=[SOURCE], fingerprint=prints.get("code", "f")),
        bench.stage(
            "run", needs=[Source], makes=[APP], scaffolding=True, fingerprint=prints.get("run", "f")
        ),
        bench.stage("smoke", needs=[App], makes=[REPORT], fingerprint=prints.get("smoke", "f")),
        bench.stage(
            "push", wants=[CheckReport], makes=[PUSHED], releases=True,
            fingerprint=prints.get("push", "f"),
        ),
    ]  # fmt: skip


def told(plan: Plan) -> list[tuple[str, str, str]]:
    return [(step.key, step.action, step.reason) for step in plan.steps]


def test_a_first_run_runs_everything(bench: Bench) -> None:
    assert told(bench.plan(chain(bench))) == [
        ("code", "run", "has not succeeded yet"),
        ("run", "run", "code runs"),
        ("smoke", "run", "run runs"),
        ("push", "run", "smoke runs"),
    ]


def test_nothing_changed_means_nothing_to_do(bench: Bench) -> None:
    bench.run(chain(bench))
    plan = bench.plan(chain(bench))
    assert plan.nothing_to_do
    assert told(plan) == [
        ("code", "reuse", "unchanged"),
        ("run", "reuse", "nothing needs it"),
        ("smoke", "reuse", "unchanged"),
        ("push", "reuse", "unchanged"),
    ]


def test_scaffolding_is_made_again_when_a_later_stage_needs_it(bench: Bench) -> None:
    bench.run(chain(bench))
    assert told(bench.plan(chain(bench, smoke="other"))) == [
        ("code", "reuse", "unchanged"),
        ("run", "run", "smoke needs it"),
        ("smoke", "run", "run runs"),
        ("push", "run", "smoke runs"),
    ]


def test_a_result_that_is_gone_is_made_again(bench: Bench) -> None:
    bench.run(chain(bench))
    stages = chain(bench)
    stages[3].valid = False
    assert told(bench.plan(stages))[3] == ("push", "run", "its result is gone")
    assert [step.action for step in bench.plan(stages).steps] == ["reuse", "reuse", "reuse", "run"]


def test_without_a_fingerprint_a_stage_always_runs(bench: Bench) -> None:
    bench.run(chain(bench))
    assert told(bench.plan(chain(bench, push=None)))[3] == ("push", "run", "always runs")


def test_force_runs_what_could_be_reused(bench: Bench) -> None:
    bench.run(chain(bench))
    actions = {step.reason for step in bench.plan(chain(bench), Selection(force=True)).steps}
    assert actions == {"--force"}


def test_from_takes_the_results_of_earlier_stages_although_they_would_run(bench: Bench) -> None:
    bench.run(chain(bench))
    plan = bench.plan(chain(bench, code="other"), Selection(first="smoke"))
    assert told(plan)[0] == ("code", "reuse", "before --from smoke")
    assert [step.action for step in plan.steps][2:] == ["reuse", "reuse"]


def test_from_restarts_the_candidate_that_it_needs(bench: Bench) -> None:
    bench.run(chain(bench))
    plan = bench.plan(chain(bench, smoke="other"), Selection(first="smoke"))
    assert told(plan)[1] == ("run", "run", "smoke needs it")


def test_from_says_what_is_missing(bench: Bench) -> None:
    with pytest.raises(UsageError, match="needs the result of 'code', which has never succeeded"):
        bench.plan(chain(bench), Selection(first="smoke"))

    bench.run(chain(bench))
    stages = chain(bench)
    stages[0].valid = False
    with pytest.raises(UsageError, match="needs the result of 'code', which is gone"):
        bench.plan(stages, Selection(first="smoke"))


def test_to_leaves_out_the_rest(bench: Bench) -> None:
    assert told(bench.plan(chain(bench), Selection(last="run")))[2:] == [
        ("smoke", "skip", "after --to run"),
        ("push", "skip", "after --to run"),
    ]


def test_a_wrong_selection_is_refused_with_the_right_names(bench: Bench) -> None:
    with pytest.raises(UsageError, match="no stage 'biuld'") as caught:
        bench.plan(chain(bench), Selection(first="biuld"))
    assert caught.value.hint == "It has: code, run, smoke, push."
    with pytest.raises(UsageError, match="'push' comes after stage 'run'"):
        bench.plan(chain(bench), Selection(first="push", last="run"))


def test_who_needs_what_a_condition_keeps_out_is_kept_out_too(bench: Bench) -> None:
    plan = bench.plan(
        chain(bench), applies=lambda entry: "branch is dev" if entry.key == "run" else None
    )
    assert told(plan)[1:] == [
        ("run", "skip", "branch is dev"),
        ("smoke", "skip", "needs App, which run does not make"),
        ("push", "run", "has not succeeded yet"),
    ]
