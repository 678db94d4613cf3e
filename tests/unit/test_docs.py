"""Every pipeline file in the documentation is one that dockcycle takes; links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import config
from pipeline.catalog import Catalog

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)")
SCAN = ROOT / "docs" / "writing-a-stage.md"


@dataclass(frozen=True)
class Example:
    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def examples(language: str) -> Iterator[Example]:
    for page in PAGES:
        text = page.read_text()
        for block in BLOCK.finditer(text):
            if block[1] == language:
                yield Example(page, text.count("\n", 0, block.start()) + 2, block[2])


def pipelines() -> list[Example]:
    return [
        example for example in examples("yaml") if re.search(r"^version: 1", example.text, re.M)
    ]


@pytest.mark.parametrize("example", pipelines(), ids=str)
def test_pipeline_files_in_the_docs_are_valid(example: Example, tmp_path: Path) -> None:
    (tmp_path / "ci").mkdir()
    (tmp_path / "ci" / "scan.py").write_text(next(iter(code_of(SCAN))).text)
    file = tmp_path / "pipeline.yml"
    file.write_text(example.text)
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)", example.text), "x1")
    loaded = config.load(file, catalog=Catalog.builtin_and_installed(), variables=variables)
    assert loaded.entries


def code_of(page: Path) -> list[Example]:
    return [example for example in examples("python") if example.page == page]


def test_the_documented_stage_is_one_that_runs() -> None:
    assert "class Scan(Stage[ScanOptions])" in code_of(SCAN)[0].text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert dead == []


def test_every_stage_has_a_page_with_every_option() -> None:
    catalog = Catalog.builtin_and_installed()
    for name in catalog.names():
        page = ROOT / "docs" / "stages" / f"{name}.md"
        if not page.exists():
            continue
        stage = catalog.find(name, ROOT).stage_class
        text = page.read_text()
        missing = [
            option.alias or key
            for key, option in stage.Options.model_fields.items()
            if f"`{option.alias or key}" not in text and f"{option.alias or key}:" not in text
        ]
        assert missing == [], f"{page} does not explain {missing}"
