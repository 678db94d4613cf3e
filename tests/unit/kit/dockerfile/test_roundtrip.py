"""What is rendered parses back to exactly what was declared, whatever it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile import parse, render, words
from tests.unit.kit.dockerfile import strategies as own


@settings(max_examples=200, deadline=None)
@given(own.dockerfiles())
def test_parsing_what_was_rendered_gives_the_declaration_back(dockerfile: m.Dockerfile) -> None:
    text = render(dockerfile)
    assert parse(text) == dockerfile
    assert text.endswith("\n")


@settings(max_examples=200, deadline=None)
@given(st.text(own.CHARACTERS))
def test_a_quoted_word_means_what_it_was_made_from(value: str) -> None:
    word = words.quote(value)
    assert words.split(word) == [word]
    assert words.unquote(word) == value


@settings(max_examples=200, deadline=None)
@given(st.lists(own.quoted, max_size=5))
def test_words_stay_apart(parts: list[str]) -> None:
    assert words.split(" \t".join(parts)) == parts


@settings(max_examples=200, deadline=None)
@given(st.text(own.CHARACTERS + "\n", max_size=40))
def test_no_value_can_smuggle_in_an_instruction(value: str) -> None:
    """Either the text says the same, or it is refused: never something else."""
    dockerfile = m.Dockerfile((m.From("scratch"), m.Label((("title", value),)), m.Workdir(value)))
    try:
        text = render(dockerfile)
    except ValueError:
        return
    assert [type(item) for item in parse(text).items] == [m.From, m.Label, m.Workdir]


@pytest.mark.parametrize(
    ("item", "named"),
    [
        (m.Label((("a", '"b\nUSER root"'),)), "LABEL"),
        (m.Env((("A B", "c"),)), "ENV"),
        (m.Workdir("/a\nUSER root"), "WORKDIR"),
        (m.Run(m.ShellForm("a\n# gone")), "RUN"),
        (m.Run(m.ShellForm('["a", "b"]')), "RUN"),
        (m.Run(m.ShellForm("cat <<EOF"), ("EOF\nRUN evil\n",)), "RUN"),
        (m.Cmd(m.ShellForm("ends with \\")), "CMD"),
        (m.Comment("two\nlines"), "the comment"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(item: m.Item, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        render(m.Dockerfile((m.From("scratch"), item)))


def test_the_other_escape_character() -> None:
    text = "# escape=`\nFROM scratch\nRUN a `\n    b\\\nENV A=`$B\n"
    dockerfile = parse(text)
    assert render(dockerfile) == text
    assert m.Run(m.ShellForm("a \n    b\\")) in dockerfile.items
