import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kit.names import check_project_name, did_you_mean, nearest, suggest_project_name


@pytest.mark.parametrize("name", ["hello", "a", "0x", "my-app_2", "a" * 40])
def test_a_valid_project_name_is_itself(name: str) -> None:
    assert check_project_name(name) == name


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("Hello World", "hello-world"),
        ("-x", "x"),
        ("Ünïcode App!", "unicode-app"),
        ("日本", "app"),
        ("", "app"),
        ("hello\n", "hello"),
    ],
)
def test_a_wrong_one_is_refused_with_a_right_one(name: str, suggestion: str) -> None:
    with pytest.raises(ValueError, match=f'; "{suggestion}" would do$') as caught:
        check_project_name(name)
    assert "may only have a-z, 0-9, - and _, and starts with a letter or digit" in str(caught.value)


def test_a_long_one_is_refused_and_not_repeated_in_full() -> None:
    with pytest.raises(ValueError, match="is longer than 40 characters") as caught:
        check_project_name("a" * 500)
    assert len(str(caught.value)) < 160


@settings(deadline=None)
@given(st.text(max_size=80))
def test_a_suggestion_is_always_valid(text: str) -> None:
    assert check_project_name(suggest_project_name(text))


def test_nearest_ignores_case_and_gives_up_on_what_is_far() -> None:
    assert nearest("Env", ["env", "ports"]) == "env"
    assert nearest("timout", ["timeout", "retries"]) == "timeout"
    assert nearest("zebra", ["timeout", "retries"]) is None


def test_did_you_mean() -> None:
    assert did_you_mean("envv", ["env", "ports"]) == "Did you mean `env`?"
    assert did_you_mean("zebra", ["ports", "env"]) == "Possible here: env, ports."
    assert did_you_mean("zebra", []) == ""
