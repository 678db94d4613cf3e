"""Every stage finds what it needs, or the file is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Entry, check_dataflow
from pipeline.stage import Stage, StageOptions
from tests.support.config import Build, Code, Operate, Run, complaints, problems


def entry(stage_class: type[Stage[StageOptions]]) -> Entry:
    return Entry.of(stage_class(stage_class.Options()), stage_class.name)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ("build, code",
         ["2 stages.build: build needs Source, which no earlier stage makes"
          " | Put code before build."]),
        ("code, run",
         ["2 stages.run: run needs Images, which no earlier stage makes"
          " | Add a stage before it that does: build."]),
        ("run, operate",
         ["2 stages.run: run needs Images, which no earlier stage makes"
          " | Add a stage before it that does: build."]),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_with_who_could_make_it(
    tmp_path: Path, stages: str, expected: list[str]
) -> None:
    assert complaints(tmp_path, f"name: a\nstages: [{stages}]\n") == expected


def test_a_pipeline_in_order_has_no_problem() -> None:
    assert check_dataflow([entry(Code), entry(Build), entry(Run), entry(Operate)]) == []


def test_without_anyone_who_could_make_it() -> None:
    (problem,) = check_dataflow([entry(Run)])
    assert problem.hint == "None of the stages that are installed makes it."


def test_it_is_not_told_on_top_of_an_unknown_stage(tmp_path: Path) -> None:
    found = problems(tmp_path, "name: a\nstages: [cod, build]\n")
    assert [problem.message for problem in found] == ["there is no stage `cod`"]
