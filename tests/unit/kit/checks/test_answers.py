import json

import pytest

from pipeline.kit.checks import HttpCheck, load
from pipeline.kit.checks.answers import EXCERPT, Unexpected, excerpt, judge
from pipeline.kit.checks.values import Values
from pipeline.ports.http import HttpResponse
from tests.support.smoke import answer


def check(expect: dict | None = None, **more: object) -> HttpCheck:
    (loaded,) = load([{"get": "/", "expect": expect or {}, **more}])
    assert isinstance(loaded, HttpCheck)
    return loaded


def values(**captured: object) -> Values:
    made = Values(lambda text: text)
    for name, value in captured.items():
        made.keep(name, value)
    return made


def document(value: object) -> HttpResponse:
    return answer(200, json.dumps(value), content_type="application/json; charset=utf-8")


@pytest.mark.parametrize(
    ("expect", "response"),
    [
        ({}, answer(204)),
        ({"status": [200, 404]}, answer(404)),
        ({"status": "4xx"}, answer(418)),
        ({"body": "wörld"}, answer(200, "hello wörld")),
        ({"regex": r"v\d+\.\d+"}, answer(200, "v1.2")),
        ({"json": {"$.a[0]": 1}}, document({"a": [1]})),
        ({"json": {"$": {"a": None}}}, document({"a": None})),
        ({"headers": {"Content-Type": "application/json"}}, document({})),
        ({"headers": {"content-type": "application/json; charset=utf-8"}}, document({})),
        ({"headers": {"content-type": {"regex": "^application/.*utf-8$"}}}, document({})),
        ({"headers": {"server": None}}, document({})),
        ({"within": "1s"}, answer(200, seconds=0.9)),
    ],
)
def test_right_answers(expect: dict, response: HttpResponse) -> None:
    judge(check(expect), response, values())


@pytest.mark.parametrize(
    ("expect", "response", "message"),
    [
        ({}, answer(404), "expected status 2xx, got 404"),
        ({"status": [200, 204]}, answer(500, "no db"),
         'expected status 200 or 204, got 500: "no db"'),
        ({}, answer(302, location="/login"), 'expected status 2xx, got 302 to "/login"'),
        ({"body": "hi"}, answer(200, "ho"), 'expected a body with "hi", got "ho"'),
        ({"body": "hi"}, answer(200, "ho", truncated=True),
         'expected a body with "hi", got "ho" (only the beginning was read)'),
        ({"regex": "^hi$"}, answer(200, "hi ho"),
         'expected a body with /^hi$/, got "hi ho"'),
        ({"json": {"$.a": 1}}, answer(200, "<html>"), 'expected JSON, got "<html>"'),
        ({"json": {"$.a": 1}}, document({"b": 1}),
         "expected a value at $.a: $ has no 'a'"),
        ({"json": {"$.a": "packed"}}, document({"a": "new"}),
         'expected "packed" at $.a, got "new"'),
        ({"json": {"$.a": True}}, document({"a": 1}), "expected true at $.a, got 1"),
        ({"headers": {"X-A": "b"}}, answer(), 'expected header X-A: "b", there is none'),
        ({"headers": {"x-a": "DENY"}}, answer(x_a="DENYING"),
         'expected header x-a: "DENY", got "DENYING"'),
        ({"headers": {"x-a": {"regex": "^b"}}}, answer(x_a="ab"),
         'expected header x-a: /^b/, got "ab"'),
        ({"headers": {"server": None}}, answer(server="x/1"),
         'expected no header server, got "x/1"'),
        ({"within": "500ms"}, answer(seconds=0.75),
         "expected an answer within 0.5 s, it took 0.75 s"),
    ],
)  # fmt: skip
def test_wrong_answers_are_told_in_words(
    expect: dict, response: HttpResponse, message: str
) -> None:
    with pytest.raises(Unexpected) as caught:
        judge(check(expect), response, values())
    assert str(caught.value) == message


def test_captures_are_kept_with_their_type_and_used_in_expectations() -> None:
    known = values()
    judge(check(capture={"id": "$.id"}), document({"id": 12}), known)
    judge(check({"json": {"$.id": "{id}", "$.url": "/notes/{id}"}}),
          document({"id": 12, "url": "/notes/12"}), known)  # fmt: skip
    with pytest.raises(Unexpected, match="expected 12 at"):
        judge(check({"json": {"$.id": "{id}"}}), document({"id": "12"}), known)


def test_a_value_that_cannot_be_captured_is_a_failure() -> None:
    with pytest.raises(Unexpected, match=r"expected a value at \$\.id"):
        judge(check(capture={"id": "$.id"}), document({}), values())


def test_deeply_nested_json_is_no_crash() -> None:
    with pytest.raises(Unexpected, match="expected JSON"):
        judge(check({"json": {"$.a": 1}}), answer(200, "[" * 200_000), values())


def test_foreign_text_is_harmless_and_short_in_messages() -> None:
    assert excerpt("\x1b[31mred\x1b[0m\r\nand\n\n  more\x07") == '"red and more"'
    assert excerpt("x" * 10_000) == '"' + "x" * EXCERPT + '…"'
    assert excerpt(b"\xff\xfe") == '"��"'


def test_texts_are_filled_before_they_are_compared() -> None:
    judge(check({"body": "hello {who}", "headers": {"x-who": "{who}"}}),
          answer(200, "hello Ada", x_who="Ada"), values(who="Ada"))  # fmt: skip
