"""The JSON schema agrees with what is accepted, and is of use in an editor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pipeline.catalog import Catalog
from pipeline.config.json_schema import schema
from pipeline.config.nodes import to_data
from pipeline.config.yaml_source import parse
from pipeline.errors import ConfigError
from tests.support.config import TINY, Code, FakePoint, Idle, Probe, read

SCHEMA = schema(TINY)
VALIDATOR = Draft202012Validator(SCHEMA)

GOOD = [
    "name: a\nstages: [code]\n",
    "version: 1\nname: a\nx-any: {thing: 1}\nstages: [{code: }, {build: {x-note: 1}}]\n",
    "name: a\nstages: [code, {build: {memory: 512m, cache: false, jobs: 3, args: {A: 1, B: x}}}]\n",
    "name: a\nstages: [code, build, {run: {port: 80}}, {smoke: {checks: [{get: /}, {tcp: 1}]}}]\n",
    "name: a\nstages: [{code: {checks: [pytest, {run: x, in: y}]}}]\n",
    "name: a\nstages: [{code: {when: {branch: [main, '!x'], tag: true}, timeout: 10m}}]\n",
    "name: a\nstages: [{code: {when: never, timeout: 90, retries: 2, allow_failure: true}}]\n",
    "name: a\nstages: [{one: {uses: code, path: src}}, {build: {uses: code, name: two}}]\n",
    "name: a\nsecrets: {A: X, B: {env: X}, C: {file: x}}\nstages: [code]\n",
    "name: a\nstages: [{code: {timeout: '${T:-10m}', retries: '${N:-1}', when: '${W:-never}'}}]\n",
]
BAD = [
    "stages: [code]\n",
    "name: My App\nstages: [code]\n",
    "name: a\nversion: 2\nstages: [code]\n",
    "name: a\nextra: 1\nstages: [code]\n",
    "name: a\nstages: []\n",
    "name: a\nstages: {code: }\n",
    "name: a\nstages: [biuld]\n",
    "name: a\nstages: [{biuld: {target: x}}]\n",
    "name: a\nstages: [{code: , build: }]\n",
    "name: a\nstages: [code, {build: {argz: {}}}]\n",
    "name: a\nstages: [code, {build: {jobs: 99}}]\n",
    "name: a\nstages: [code, {build: {jobs: two}}]\n",
    "name: a\nstages: [code, {build: {progress: plane}}]\n",
    "name: a\nstages: [code, {build: {memory: lots}}]\n",
    "name: a\nstages: [code, {build: {target: [x]}}]\n",
    "name: a\nstages: [code, build, {run: {port: 70000}}]\n",
    "name: a\nstages: [code, build, run, smoke]\n",
    "name: a\nstages: [code, build, run, {smoke: {checks: []}}]\n",
    "name: a\nstages: [code, build, run, {smoke: {checks: [{gte: /}]}}]\n",
    "name: a\nstages: [{code: {timeout: soon}}]\n",
    "name: a\nstages: [{code: {when: {branh: x}}}]\n",
    "name: a\nstages: [{code: {retries: -1}}]\n",
    "name: a\nsecrets: {A: {value: x}}\nstages: [code]\n",
    "name: a\nsecrets: {A: {}}\nstages: [code]\n",
    "name: a\nsecrets: {A: {env: X, file: y}}\nstages: [code]\n",
    "name: a\nsecrets: {A-B: X}\nstages: [code]\n",
]


def instance(text: str) -> Any:
    node = parse(text, "f.yml")
    assert node is not None
    return to_data(node)


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("text", GOOD)
def test_good_files_pass_both(tmp_path: Path, text: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(instance(text))] == []
    read(tmp_path, text)


@pytest.mark.parametrize("text", BAD)
def test_bad_files_fail_both(tmp_path: Path, text: str) -> None:
    assert not VALIDATOR.is_valid(instance(text))
    with pytest.raises(ConfigError):
        read(tmp_path, text)


def test_fields_have_their_docstrings_as_descriptions() -> None:
    code = SCHEMA["$defs"]["stage-code"]
    assert code["description"] == "takes the code"
    assert (
        code["properties"]["path"]["description"]
        == "Folder of the app, relative to the pipeline file."
    )
    assert code["properties"]["timeout"]["description"].startswith("The longest that one attempt")
    assert SCHEMA["properties"]["name"]["description"].startswith("Name of the project")


def test_every_reference_leads_somewhere_and_nothing_is_left_over() -> None:
    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(value) for value in node.values()))
        return (
            set().union(*(references(item) for item in node)) if isinstance(node, list) else set()
        )

    assert references(SCHEMA) == {f"#/$defs/{name}" for name in SCHEMA["$defs"]}


def test_a_model_that_is_both_options_and_a_part_stays_defined() -> None:
    class Both(Idle):
        name = "both"
        Options = Probe

    found = schema(Catalog([*(FakePoint(n, TINY.find(n, Path()).stage_class) for n in TINY.names()),
                            FakePoint("both", Both)]))  # fmt: skip
    assert {"Probe", "stage-both"} <= found["$defs"].keys()


def test_a_stage_that_cannot_be_loaded_may_have_any_options() -> None:
    found = schema(Catalog([FakePoint("code", Code), FakePoint("scan", ImportError("no luck"))]))
    validator = Draft202012Validator(found)
    assert validator.is_valid(instance("name: a\nstages: [code, {scan: {any: thing}}, scan]\n"))
