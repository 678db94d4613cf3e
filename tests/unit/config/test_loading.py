"""A right file becomes a pipeline."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pipeline.catalog import Catalog
from pipeline.config import Entry, find_file, load
from pipeline.config.models import EntryOptions
from pipeline.errors import ConfigError, Location, UsageError
from pipeline.kit.names import STAGES
from pipeline.stage import StageOptions
from tests.support.config import TINY, Build, Code, FakePoint, Idle, Probe, read

FULL = """\
version: 1
name: hello
x-greeting: &greeting hi
stages:
  - code:
  - build:
      name: image
      when: {branch: main}
      timeout: 10m
      retries: 2
      allow_failure: true
      x-note: for later
      args: {A: 3.10, B: true}
      cache: no
  - run: {port: 5000, env: {GREETING: *greeting}}
  - smoke: {checks: [{get: /, within: 500ms}]}
  - operate
secrets: {TOKEN: {env: TOKEN}}
"""


def test_everything_arrives(tmp_path: Path) -> None:
    pipeline = read(tmp_path, FULL)
    assert (pipeline.name, pipeline.environment) == ("hello", "")
    assert (pipeline.file, pipeline.directory) == (tmp_path / "pipeline.yml", tmp_path)
    assert [entry.key for entry in pipeline.entries] == ["code", "image", "run", "smoke", "operate"]
    assert dict(pipeline.documents) == {"pipeline.yml": FULL}


def test_an_entry_has_its_options_and_settings(tmp_path: Path) -> None:
    entry = read(tmp_path, FULL).entries[1]
    assert (entry.key, entry.uses, entry.stage_class) == ("image", "build", Build)
    assert (entry.timeout, entry.retries, entry.allow_failure) == (600.0, 2, True)
    assert (entry.origin, entry.version) == ("tiny 1.0", "tiny 1.0")
    assert (entry.where.line, entry.where.key) == (6, "stages.image")
    stage = entry.create()
    assert isinstance(stage, Build)
    assert stage.options.args == {"A": "3.10", "B": "true"}
    assert stage.options.cache is False
    why = entry.when.matches(branch="dev", tag=None, environment="", trigger="cli")
    assert why == "only on branch main, this is dev"


def test_an_entry_without_settings_has_the_usual_ones(tmp_path: Path) -> None:
    entry = read(tmp_path, FULL).entries[0]
    assert (entry.timeout, entry.retries, entry.allow_failure) == (None, 0, False)
    assert entry.when.matches(branch=None, tag=None, environment="", trigger="") is None


def test_nested_options_are_models(tmp_path: Path) -> None:
    smoke = read(tmp_path, FULL).entries[3].options
    assert smoke.model_dump()["checks"] == (Probe(get="/", within=0.5).model_dump(),)


def test_a_file_with_a_name_alone_has_all_eight_stages(tmp_path: Path) -> None:
    class Plain(Idle):
        Options = StageOptions

    catalog = Catalog(
        FakePoint(name, type(name, (Plain,), {"name": name}), f"tiny:{name}") for name in STAGES
    )
    pipeline = read(tmp_path, "name: hello\n", catalog=catalog)
    assert tuple(entry.key for entry in pipeline.entries) == STAGES


def test_variables_come_from_dotenv_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=1\nTARGET=from-file\n")
    text = "name: a\nstages: [code, {build: {target: '${TARGET}'}}, {run: {port: '${PORT}'}}]\n"
    pipeline = read(tmp_path, text, variables={"PORT": "8080"})
    assert [entry.options.model_dump(exclude_unset=True) for entry in pipeline.entries[1:]] == [
        {"target": "from-file"},
        {"port": 8080},
    ]
    assert pipeline.variables == {"PORT": "8080", "TARGET": "from-file"}
    assert "from-file" not in repr(pipeline).replace(repr(pipeline.entries), "")


def test_a_mistake_in_dotenv_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("?\n")
    with pytest.raises(ConfigError, match=r"\.env:1: this line does not begin with the name"):
        read(tmp_path, "name: a\nstages: [code]\n")


def test_a_class_can_be_named_for_any_word(tmp_path: Path) -> None:
    entry = read(tmp_path, "name: a\nstages: [{first: {uses: code, path: src}}]\n").entries[0]
    assert (entry.key, entry.uses, entry.stage_class) == ("first", "code", Code)


def test_a_variable_may_name_a_stage(tmp_path: Path) -> None:
    text = "name: a\nstages: [{code: {name: 'code-${SUFFIX}'}}]\n"
    (tmp_path / "pipeline.x.yml").write_text("")
    pipeline = read(tmp_path, text, variables={"SUFFIX": "1"}, environment="x")
    assert pipeline.entries[0].key == "code-1"


def test_entries_are_frozen_and_can_be_made_without_a_file() -> None:
    entry = Entry.of(Build(Build.Options()), "build", retries=3)
    assert (entry.key, entry.stage_class, entry.retries) == ("build", Build, 3)
    assert entry.where == Location("")
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.key = "other"  # type: ignore[misc]  # that is what is tested


def test_the_keys_of_entries_are_the_ones_the_catalog_reserves() -> None:
    from pipeline.catalog.loading import ENTRY_KEYS

    assert frozenset(EntryOptions.model_fields) == ENTRY_KEYS


@pytest.mark.parametrize("name", ["pipeline.yml", "pipeline.yaml"])
def test_the_file_is_found(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("name: a\n")
    assert find_file(tmp_path) == tmp_path / name
    (tmp_path / "sub").mkdir()
    with pytest.raises(UsageError):
        find_file(tmp_path / "sub")


def test_no_file_points_to_init(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_file(tmp_path)
    assert caught.value.message == f"there is no pipeline.yml in {tmp_path}"
    assert caught.value.hint == "Write one with `dockcycle init`, or name a file with -f."


def test_two_spellings_are_told(tmp_path: Path) -> None:
    for name in ("pipeline.yml", "pipeline.yaml"):
        (tmp_path / name).write_text("name: a\n")
    with pytest.raises(UsageError, match=r"^both pipeline\.yml and pipeline\.yaml are in "):
        find_file(tmp_path)


def test_a_named_file_is_relative_to_the_directory(tmp_path: Path) -> None:
    (tmp_path / "deploy.yml").write_text("name: a\n")
    assert find_file(tmp_path, Path("deploy.yml")) == tmp_path / "deploy.yml"
    with pytest.raises(UsageError, match=r"^there is no file other\.yml$"):
        find_file(tmp_path, Path("other.yml"))
    with pytest.raises(UsageError, match=r" is a directory, not a file$"):
        find_file(tmp_path, tmp_path)


def test_the_overlay_of_a_named_file_has_its_name(tmp_path: Path) -> None:
    (tmp_path / "deploy.yml").write_text("name: a\nstages: [code]\n")
    (tmp_path / "deploy.prod.yaml").write_text("name: b\n")
    file = find_file(tmp_path, Path("deploy.yml"))
    assert load(file, catalog=TINY, environment="prod", variables={}).name == "b"
