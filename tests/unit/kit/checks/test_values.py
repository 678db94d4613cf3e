import pytest

from pipeline.kit.checks.values import Values


def values(**captured: object) -> Values:
    made = Values(lambda text: {"{secret:TOKEN}": "s3cr3t"}[text])
    for name, value in captured.items():
        made.keep(name, value)
    return made


def test_names_and_secrets_are_filled_and_other_braces_stay() -> None:
    assert values(id=7).text("{id} {unknown} {{}} {secret:TOKEN}") == "7 {unknown} {{}} s3cr3t"


def test_an_app_cannot_ask_for_a_secret() -> None:
    assert values(id="{secret:TOKEN}").text("x={id}") == "x={secret:TOKEN}"
    assert values(id="{secret:TOKEN}").data({"a": "{id}"}) == {"a": "{secret:TOKEN}"}


def test_a_text_that_is_one_name_becomes_the_value_itself() -> None:
    made = values(id=7, tags=["a"], ok=True)
    template = {"id": "{id}", "tags": "{tags}", "text": "no {id} {ok} {tags}", "n": [1, "{ok}"]}
    assert made.data(template) == {
        "id": 7, "tags": ["a"], "text": 'no 7 true ["a"]', "n": [1, True],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("template", "captured", "path"),
    [
        ("/notes/{id}", 7, "/notes/7"),
        ("/notes/{id}", "a/b?c&d#e", "/notes/a%2Fb%3Fc%26d%23e"),
        ("/notes?q={id}", "ä b", "/notes?q=%C3%A4%20b"),
        ("/größe/a%20b", "", "/gr%C3%B6%C3%9Fe/a%20b"),
        ("{id}", "/next?page=2", "/next?page=2"),
        ("{id}", "/a b\r\nX: y", "/a%20b%0D%0AX%3A%20y"),
    ],
)
def test_paths_are_percent_encoded(template: str, captured: object, path: str) -> None:
    assert values(id=captured).path(template) == path


@pytest.mark.parametrize("captured", ["http://elsewhere/", "x", "", None])
def test_a_captured_path_must_be_a_path(captured: object) -> None:
    with pytest.raises(ValueError, match="is not a path"):
        values(id=captured).path("{id}")
