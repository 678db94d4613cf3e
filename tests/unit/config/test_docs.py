"""Every YAML example of docs/pipeline-yml.md is read with the stages that are installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.catalog import Catalog
from pipeline.config import load

PAGE = Path(__file__).parents[3] / "docs" / "pipeline-yml.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_read(tmp_path: Path, example: str) -> None:
    """A whole file is read as it is; a part of one as an overlay, or as its list of stages."""
    file, overlay = tmp_path / "pipeline.yml", tmp_path / "pipeline.docs.yml"
    whole = re.search(r"^name:", example, re.M)
    file.write_text(example if whole else "name: docs\n")
    overlay.write_text("" if whole else re.sub(r"\A(?=- )", "stages:\n", example))
    pipeline = load(file, catalog=Catalog.builtin_and_installed(), environment="docs", variables={})
    assert pipeline.entries
