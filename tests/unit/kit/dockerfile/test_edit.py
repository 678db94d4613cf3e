from __future__ import annotations

from pipeline.kit.dockerfile import parse
from pipeline.kit.dockerfile.edit import Edit, Source, apply

TEXT = 'FROM a\n\nRUN echo \'x; y\' \\\n  # z\n  && "w\\"" b\nCMD c'


def test_an_instruction_is_found_in_the_text() -> None:
    source = Source(TEXT)
    texts = [TEXT[slice(*source.span(each))] for each in parse(TEXT).instructions]
    assert texts == ["FROM a", TEXT[8:-6], "CMD c"]


def test_comments_and_quotes_are_no_code() -> None:
    run = list(parse(TEXT).instructions)[1]
    code = Source(TEXT).code(run)
    assert len(code) == len(TEXT[8:-6])
    assert code.split() == ["RUN", "echo", "\\", "&&", "b"]


def test_edits_do_not_disturb_each_other() -> None:
    edits = [Edit(5, 5, "!"), Edit(0, 1, "A"), Edit(2, 4, "CD"), Edit(2, 4, "CD"), Edit(3, 5, "x")]
    assert apply("abcde", edits) == "AbCDe!"
