import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.kit.json_path import NothingThere, find, same, steps

DOCUMENT = {"a": {"b": [{"id": 7}, None]}, "x y": 1, "content-type": "t", "": "empty", "z": False}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DOCUMENT),
        ("$.a.b[0].id", 7),
        ("$.a.b[-1]", None),
        ("$['x y']", 1),
        ('$["x y"]', 1),
        ("$.content-type", "t"),
        ("$['']", "empty"),
        ("$.z", False),
    ],
)
def test_finds(path: str, value: object) -> None:
    assert find(path, DOCUMENT) == value


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("$.b", "$ has no 'b'"),
        ("$.a.b[2]", "$.a.b has 2 elements, none at 2"),
        ("$.a[0]", "$.a is an object, not an array"),
        ("$.a.b.id", "$.a.b is an array, not an object"),
        ("$.a.b[1].id", "$.a.b[1] is null, not an object"),
        ("$['x y'].c", "$.x y is a number, not an object"),
        ("$.z.c", "$.z is a boolean, not an object"),
    ],
)
def test_says_where_the_way_ends(path: str, message: str) -> None:
    with pytest.raises(NothingThere) as caught:
        find(path, DOCUMENT)
    assert str(caught.value) == message


@pytest.mark.parametrize("path", ["", "a", "$a", "$.", "$..a", "$.a[", "$[x]", "$.a b", "$[*]"])
def test_refuses_what_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="is not a JSON path"):
        steps(path)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (1, "1", False),
        (None, None, True),
        ([1, {"a": True}], [1, {"a": True}], True),
        ([1, {"a": True}], [1, {"a": 1}], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1], [1, 2], False),
    ],
)
def test_same_is_json_equality(one: object, other: object, expected: bool) -> None:
    assert same(one, other) is expected


@given(st.text(alphabet="$.[]'\"ab0-", max_size=30))
def test_any_text_is_a_path_or_a_value_error(path: str) -> None:
    try:
        found = steps(path)
    except ValueError:
        return
    assert all(isinstance(step, (str, int)) for step in found)
