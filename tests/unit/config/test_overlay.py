"""``pipeline.<env>.yml`` and ``--set``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Pipeline
from pipeline.config.assignment import apply_set
from pipeline.config.nodes import MapNode, to_data
from pipeline.config.overlay import merge_documents
from pipeline.config.yaml_source import parse
from pipeline.errors import ConfigError, UsageError
from tests.support.config import complaints, problems, read

BASE = """\
version: 1
name: hello
stages:
  - code
  - build: {target: dev, args: {A: 1, B: 2}}
  - run: {port: 5000}
"""


def tree(text: str) -> MapNode:
    node = parse(text, "f.yml")
    assert isinstance(node, MapNode)
    return node


def options(pipeline: Pipeline) -> dict[str, Any]:
    return {entry.key: entry.options.model_dump(exclude_unset=True) for entry in pipeline.entries}


def with_overlay(directory: Path, overlay: str, base: str = BASE, **more: Any) -> Pipeline:
    (directory / "pipeline.prod.yml").write_text(overlay)
    return read(directory, base, environment="prod", **more)


def test_mappings_are_merged_and_stages_by_their_key(tmp_path: Path) -> None:
    pipeline = with_overlay(
        tmp_path,
        "name: hello-prod\nstages:\n  - run: {port: 80}\n  - build: {args: {B: 3, C: 4}}\n",
    )
    assert (pipeline.name, pipeline.environment) == ("hello-prod", "prod")
    assert options(pipeline) == {
        "code": {},
        "build": {"target": "dev", "args": {"A": "1", "B": "3", "C": "4"}},
        "run": {"port": 80},
    }


def test_a_new_stage_is_appended_and_one_that_is_only_named_stays(tmp_path: Path) -> None:
    pipeline = with_overlay(tmp_path, "stages: [build, operate, {build: {name: again}}]\n")
    assert list(options(pipeline)) == ["code", "build", "run", "operate", "again"]
    assert options(pipeline)["build"] == {"target": "dev", "args": {"A": "1", "B": "2"}}


def test_a_named_stage_is_merged_by_its_name(tmp_path: Path) -> None:
    base = BASE + "  - build: {name: second, target: a}\n"
    pipeline = with_overlay(tmp_path, "stages: [{build: {name: second, target: b}}]\n", base)
    assert options(pipeline)["second"] == {"target": "b"}
    assert options(pipeline)["build"]["target"] == "dev"


def test_lists_and_values_replace_and_null_unsets() -> None:
    base = tree("name: a\nx: {list: [1, 2], map: {k: 1}, one: 1}\n")
    overlay = tree("x: {list: [3], map: null, one: {now: a map}}\n")
    merged = to_data(merge_documents(base, overlay, "f.yml"))
    assert merged["x"] == {"list": [3], "map": None, "one": {"now": "a map"}}


def test_a_stage_is_switched_off_by_when(tmp_path: Path) -> None:
    pipeline = with_overlay(tmp_path, "stages: [{run: {when: never}}]\n")
    when = pipeline.entries[2].when
    assert when.matches(branch=None, tag=None, environment="", trigger="") == "when: never"


def test_a_file_without_stages_has_the_eight_to_merge_with() -> None:
    merged = merge_documents(tree("name: a"), tree("stages: [{push: {to: [local]}}]"), "f.yml")
    stages = to_data(merged)["stages"]
    assert [next(iter(entry)) for entry in stages] == [
        "code", "dockerfile", "build", "run", "smoke", "push", "track", "operate",
    ]  # fmt: skip
    assert stages[5] == {"push": {"to": ["local"]}}


def test_an_empty_overlay_changes_nothing(tmp_path: Path) -> None:
    assert options(with_overlay(tmp_path, "# nothing yet\n")) == options(read(tmp_path, BASE))


def test_a_mistake_in_an_overlay_has_the_overlays_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        with_overlay(tmp_path, "stages:\n  - run:\n      prot: 80\n")
    (problem,) = caught.value.problems
    assert Path(problem.where.file).name == "pipeline.prod.yml"
    assert (problem.where.line, problem.where.key) == (3, "stages.run.prot")
    assert (problem.message, problem.hint) == ("unknown key `prot`", "Did you mean `port`?")


def test_a_variable_that_the_overlay_replaces_need_not_be_set(tmp_path: Path) -> None:
    base = BASE.replace("port: 5000", "port: '${NOPE}'")
    assert options(with_overlay(tmp_path, "stages: [{run: {port: 80}}]", base))["run"]["port"] == 80


def test_both_texts_are_kept(tmp_path: Path) -> None:
    pipeline = with_overlay(tmp_path, "# prod\n")
    assert dict(pipeline.documents) == {"pipeline.yml": BASE, "pipeline.prod.yml": "# prod\n"}


def test_an_overlay_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "pipeline.prod.yml").write_text("")
    with pytest.raises(UsageError, match=r"^there is no pipeline\.prd\.yml beside ") as caught:
        read(tmp_path, BASE, environment="prd")
    assert caught.value.hint == "Did you mean `-e prod`?"
    with pytest.raises(UsageError) as caught:
        read(tmp_path, BASE, environment="qa")
    assert caught.value.hint == "Write it; it may be empty."


@pytest.mark.parametrize("name", ["../x", "a/b", "-x", "a b", "a.b"])
def test_an_environment_is_a_name_and_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is no name of an environment"):
        read(tmp_path, BASE, environment=name)


def test_set_reaches_everything(tmp_path: Path) -> None:
    sets = [
        "name=other", "stages.build.args.X=y", "stages.run.port=8080", "stages.build.cache=false",
        "stages.run.env={GREETING: hi}",
    ]  # fmt: skip
    pipeline = read(tmp_path, BASE, sets=sets)
    assert pipeline.name == "other"
    assert options(pipeline) == {
        "code": {},
        "build": {"target": "dev", "args": {"A": "1", "B": "2", "X": "y"}, "cache": False},
        "run": {"port": 8080, "env": {"GREETING": "hi"}},
    }


def set_on(text: str, assignment: str) -> Any:
    return to_data(apply_set(tree(text), assignment, "f.yml"))


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("a=2", {"a": 2, "l": [{"k": 1}, 2]}),
        ("a=", {"a": "", "l": [{"k": 1}, 2]}),
        ("a=null", {"a": None, "l": [{"k": 1}, 2]}),
        ("a=x=y", {"a": "x=y", "l": [{"k": 1}, 2]}),
        ("a='5'", {"a": "5", "l": [{"k": 1}, 2]}),
        ("b.c.d=[1]", {"a": 1, "l": [{"k": 1}, 2], "b": {"c": {"d": [1]}}}),
        ("l[0].k=9", {"a": 1, "l": [{"k": 9}, 2]}),
        ("l[1]=x", {"a": 1, "l": [{"k": 1}, "x"]}),
        (r"b.com\.example=1", {"a": 1, "l": [{"k": 1}, 2], "b": {"com.example": 1}}),
    ],
)
def test_a_path_names_keys_and_positions(assignment: str, expected: Any) -> None:
    assert set_on("{a: 1, l: [{k: 1}, 2]}", assignment) == expected


def test_set_values_are_not_interpolated(tmp_path: Path) -> None:
    pipeline = read(tmp_path, BASE, sets=["stages.build.target=${NOPE} $$"])
    assert options(pipeline)["build"]["target"] == "${NOPE} $$"


def test_set_wins_over_the_overlay(tmp_path: Path) -> None:
    pipeline = with_overlay(tmp_path, "stages: [{run: {port: 80}}]", sets=["stages.run.port=81"])
    assert options(pipeline)["run"]["port"] == 81


def test_set_reaches_the_stages_of_a_file_that_names_none() -> None:
    stages = set_on("name: a", "stages.push.to=[local]")["stages"]
    assert stages[5] == {"push": {"to": ["local"]}}


@pytest.mark.parametrize(
    ("assignment", "message", "hint"),
    [
        ("port", "--set port: this is no assignment",
         "Write --set key=value, such as --set stages.run.port=8080."),
        ("=1", "--set =1: this is no assignment", None),
        ("a..b=1", "--set a..b=1: this is no assignment", None),
        ("a.=1", "--set a.=1: this is no assignment", None),
        ("a[x]=1", "--set a[x]=1: this is no assignment", None),
        ("stages.biuld.target=x", "--set stages.biuld.target: there is no stage `biuld`",
         "Did you mean `build`?"),
        ("stages.build=x",
         "--set stages.build: the options of a stage are a mapping",
         None),
        ("name[0]=x", "--set name[0]: there is no item [0]: this is no list", None),
        ("[0]=x", "--set [0]=x: this is no assignment", None),
        ("name=[1", "--set name: `[` is opened here and not closed", None),
    ],
)  # fmt: skip
def test_a_wrong_assignment_is_told(
    tmp_path: Path, assignment: str, message: str, hint: str | None
) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, BASE, sets=[assignment])
    assert caught.value.message == message
    assert hint is None or caught.value.hint == hint


def test_positions_beyond_the_end_are_told() -> None:
    with pytest.raises(UsageError, match=r"there is no item \[5\]: the list has 2$"):
        set_on("l: [1, 2]", "l[5]=x")
    with pytest.raises(UsageError, match="`k` is asked of a list"):
        set_on("l: [1, 2]", "l.k=x")


def test_a_mistake_in_a_set_value_names_the_option(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, BASE, sets=["stages.run.port=http"])
    assert str(problem.where) == "--set (stages.run.port)"
    assert complaints(tmp_path, BASE, sets=["stages.run.port=http"]) == [
        'None stages.run.port: "http" is not a port; a port is a number from 1 to 65535'
    ]
