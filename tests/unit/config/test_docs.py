"""The examples of docs/pipeline-yml.md and the pipelines of the repository are read, and are valid
by the JSON schema, with the stages that are installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pipeline.catalog import Catalog
from pipeline.config import load
from pipeline.config.json_schema import schema
from pipeline.config.nodes import to_data
from pipeline.config.yaml_source import parse

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "pipeline-yml.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
PIPELINES = [ROOT / "pipeline.yml", *sorted(ROOT.glob("examples/*/pipeline.yml"))]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.builtin_and_installed()


@pytest.fixture(scope="module")
def validator(catalog: Catalog) -> Draft202012Validator:
    return Draft202012Validator(schema(catalog))


def complaints(validator: Draft202012Validator, text: str) -> list[str]:
    node = parse(text, "f.yml")
    assert node is not None
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(to_data(node))]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6
    assert len(PIPELINES) >= 3


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_read(
    tmp_path: Path, catalog: Catalog, validator: Draft202012Validator, example: str
) -> None:
    """A whole file as it is; a part of one as an overlay, or as the list of its stages."""
    file, overlay = tmp_path / "pipeline.yml", tmp_path / "pipeline.docs.yml"
    whole = re.search(r"^name:", example, re.M)
    part = "" if whole else re.sub(r"\A(?=- )", "stages:\n", example)
    file.write_text(example if whole else "name: docs\n")
    overlay.write_text(part)
    assert load(file, catalog=catalog, environment="docs", variables={}).entries
    assert complaints(validator, example if whole else f"name: docs\n{part}") == []


@pytest.mark.parametrize("file", PIPELINES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_pipeline_of_the_repository_is_read(
    catalog: Catalog, validator: Draft202012Validator, file: Path
) -> None:
    assert load(file, catalog=catalog, variables={}).entries
    assert complaints(validator, file.read_text(encoding="utf-8")) == []
