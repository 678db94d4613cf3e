"""``${VAR}`` in values, as Compose reads it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.interpolation import InterpolationError, interpolate, interpolate_tree
from pipeline.config.nodes import MapNode, to_data
from pipeline.config.yaml_source import parse

VARIABLES = {"A": "1", "B": "two words", "EMPTY": "", "NAME": "world"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${A}", "1"),
        ("hello ${NAME}!", "hello world!"),
        ("${EMPTY}", ""),
        ("${NOPE:-x}|${EMPTY:-x}|${A:-x}", "x|x|1"),
        ("${NOPE-x}|${EMPTY-x}|${A-x}", "x||1"),
        ("${A:?needed}|${EMPTY?needed}", "1|"),
        ("${NOPE:+x}|${EMPTY:+x}|${A:+x}", "||x"),
        ("${NOPE+x}|${EMPTY+x}|${A+x}", "|x|x"),
        ("${NOPE:-${B}}", "two words"),
        ("${NOPE:-a${ALSO:-${NAME}}b}", "aworldb"),
        ("${A:-${NOPE}}", "1"),
        ("${NOPE:-a}}", "a}"),
        ("${NOPE:-}", ""),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("echo $HOME $(id) $1 ^x$", "echo $HOME $(id) $1 ^x$"),
        ("$", "$"),
        ("no variables", "no variables"),
    ],
)
def test_variables_are_replaced(text: str, result: str) -> None:
    assert interpolate(text, VARIABLES) == result


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("${NOPE}", "the variable NOPE is not set",
         "Set it, put it into .env, or give a default: `${NOPE:-…}`."),
        ("${NAMES}", "the variable NAMES is not set",
         "Set it, put it into .env, or give a default: `${NAMES:-…}`. Did you mean `NAME`?"),
        ("${EMPTY:?which one}", "the variable EMPTY is not set: which one", None),
        ("${NOPE?}", "the variable NOPE is not set", None),
        ("${NOPE:-${ALSO_NOPE}}", "the variable ALSO_NOPE is not set", None),
        ("${}", "`${` is followed by no name of a variable", "Write `$${` for a literal `${`."),
        ("${1}", "`${` is followed by no name of a variable", None),
        ("${A", "`${A` is followed by neither `}` nor `:-`",
         "Write `${A}` or `${A:-default}`; `$${` is a literal `${`."),
        ("${A%%x}", "`${A` is followed by neither `}` nor `:-`", None),
        ("${A:-x", "`${` has no closing `}`", "Write `$${` for a literal `${`."),
        ("${NOPE:-" * 40 + "}" * 40, "`${` is nested too deeply", None),
    ],
)  # fmt: skip
def test_mistakes_are_told(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(InterpolationError) as caught:
        interpolate(text, VARIABLES)
    assert str(caught.value) == message
    assert caught.value.hint == hint or hint is None


def tree(text: str) -> MapNode:
    node = parse(text, "f.yml")
    assert isinstance(node, MapNode)
    return node


def test_values_of_a_tree_are_replaced_keys_are_not() -> None:
    node, problems = interpolate_tree(tree("{'${A}': ['${A}', {b: 'x${B}y'}]}"), VARIABLES)
    assert (to_data(node), problems) == ({"${A}": ["1", {"b": "xtwo wordsy"}]}, [])


def test_what_was_replaced_is_text_even_if_it_looks_like_a_number() -> None:
    node, _ = interpolate_tree(tree("a: '${A}'\nb: ${A}\nc: 1\n"), VARIABLES)
    assert to_data(node) == {"a": "1", "b": "1", "c": 1}


def test_every_mistake_of_a_tree_is_told_once_with_its_place() -> None:
    text = "x: &x ${NOPE}\ny: [*x, *x]\nz: {w: '${ALSO}'}\n"
    _, problems = interpolate_tree(tree(text), VARIABLES)
    assert [(str(problem.where), problem.message) for problem in problems] == [
        ("f.yml:1 (x)", "the variable NOPE is not set"),
        ("f.yml:3 (z.w)", "the variable ALSO is not set"),
    ]


@settings(deadline=None)
@given(st.text(max_size=40))
def test_doubling_every_dollar_gives_the_text_back(text: str) -> None:
    assert interpolate(text.replace("$", "$$"), {}) == text


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("${}:-+?AB x"), max_size=30))
def test_any_text_is_replaced_or_refused(text: str) -> None:
    try:
        result = interpolate(text, VARIABLES)
    except InterpolationError as error:
        assert error.hint
    else:
        assert isinstance(result, str)


@settings(deadline=None)
@given(st.text(max_size=20), st.text(max_size=20))
def test_the_value_of_a_variable_is_never_interpolated_again(before: str, value: str) -> None:
    safe = before.replace("$", "")
    assert interpolate(f"{safe}${{X}}", {"X": value}) == safe + value
