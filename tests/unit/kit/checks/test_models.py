import pytest
from pydantic import TypeAdapter, ValidationError

from pipeline.kit.checks import Checks, HttpCheck, dump, load, read_only
from pipeline.kit.checks.lists import placeholders


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ({"get": "/"}, "GET /"),
        ({"options": "/x", "name": "preflight"}, "preflight"),
        ({"exec": ["redis-cli", "ping it"]}, "exec redis-cli 'ping it'"),
        ({"exec": "redis-cli 'ping it'"}, "exec redis-cli 'ping it'"),
        ({"tcp": "5432"}, "tcp 5432"),
        ({"log": "ready"}, "log 'ready'"),
        ({"log": {"regex": "rea.y"}}, "log 'rea.y'"),
        ({"completed": True, "service": "migrate"}, "migrate completed"),
        ({"running": "5s"}, "app stays up for 5 s"),
        ({"healthy": True}, "app healthy"),
    ],
)
def test_each_kind_is_known_by_its_key(written: dict, title: str) -> None:
    (check,) = load([written])
    assert check.title == title


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, ("200",)),
        ("2xx", ("2xx",)),
        ("2XX", ("2xx",)),
        ([200, "3xx", 404], ("200", "3xx", "404")),
    ],
)
def test_statuses(status: object, expected: tuple[str, ...]) -> None:
    (check,) = load([{"get": "/", "expect": {"status": status}}])
    assert isinstance(check, HttpCheck)
    assert check.expect.status == expected


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({"name": "x"}, "name one of get, head"),
        ({"get": "/", "post": "/"}, "it has get and post"),
        ({"get": "/", "tcp": 1}, "Extra inputs"),
        ({"gett": "/"}, "Extra inputs"),
        ({"get": "http://elsewhere/"}, "does not begin with /"),
        ({"get": "//elsewhere/ x"}, "no blanks"),
        ({"get": "/a#b"}, "no blanks, backslashes or #"),
        ({"get": "/a\r\nX: y"}, "no blanks"),
        ({"post": "/", "json": {}, "body": "x"}, "one of json, body and form"),
        ({"post": "/", "json": None, "form": {}}, "one of json, body and form"),
        ({"get": "/", "headers": {"a b": "c"}}, "not a header"),
        ({"get": "/", "headers": {"a": "b\r\nc: d"}}, "not a header"),
        ({"get": "/", "expect": {"status": 99}}, "99 is not a status"),
        ({"get": "/", "expect": {"status": []}}, "an empty list"),
        ({"get": "/", "expect": {"regex": "("}}, "not a regular expression"),
        ({"get": "/", "expect": {"json": {"status": 1}}}, "is not a JSON path"),
        ({"get": "/", "expect": {"within": 0}}, "no time at all"),
        ({"get": "/", "expect": {"boddy": "x"}}, "Extra inputs"),
        ({"get": "/", "capture": {"a-b": "$.a"}}, "cannot name a value"),
        ({"get": "/", "retry_for": "soon"}, "is not a duration"),
        ({"get": "/{id}"}, "uses {id}, which no earlier check captures"),
        ({"exec": []}, "there is no command"),
        ({"exec": ""}, "there is no command"),
        ({"exec": "a 'b"}, "cannot be split"),
        ({"tcp": 0}, "is not a port"),
        ({"completed": False}, "Input should be True"),
    ],
)
def test_mistakes_are_refused_with_a_reason(written: dict, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        load([written])
    assert reason in str(caught.value)


def test_an_error_is_located_in_the_list() -> None:
    with pytest.raises(ValidationError) as caught:
        load([{"get": "/"}, {"get": "/", "expect": {"status": "x"}}])
    assert caught.value.errors()[0]["loc"] == (1, "http", "expect", "status")


WRITTEN = [
    {"post": "/notes", "json": None, "expect": {"status": 201, "json": {"$.a": [1, None]}},
     "capture": {"id": "$.id"}},
    {"get": "/notes/{id}", "advisory": True, "retry_for": "1m", "expect": {"headers": {"x": None}}},
    {"exec": ["redis-cli", "ping"], "expect": {"output": {"regex": "PON."}}},
    {"running": "3s", "service": "worker"},
]  # fmt: skip


def test_what_a_report_keeps_loads_again() -> None:
    checks = load(WRITTEN)
    kept = dump(checks)
    assert load(kept) == checks
    assert kept[0]["json"] is None and "body" not in kept[0]


def test_read_only_leaves_out_what_changes_the_app_and_what_hangs_on_it() -> None:
    checks = load(
        [
            {"get": "/"},
            {"post": "/notes", "capture": {"id": "$.id"}},
            {"get": "/notes/{id}", "capture": {"author": "$.author"}},
            {"get": "/x", "expect": {"json": {"$.author": "{author}"}}},
            {"get": "/y", "capture": {"etag": "$.etag"}},
            {"get": "/y", "headers": {"if-match": "{etag}"}},
            {"exec": "flush"},
            {"tcp": 80},
            {"log": "ready"},
            {"running": 1},
        ]
    )
    kept = [check.title for check in read_only(checks)]
    assert kept == ["GET /", "GET /y", "GET /y", "tcp 80", "log 'ready'", "app stays up for 1 s"]


def test_placeholders_are_found_in_every_text() -> None:
    value = {"{a}": ["x{b}y", 1, None, {"c": "{c} {not-a-name} {secret:S}"}]}
    assert placeholders(value) == {"a", "b", "c"}


def test_the_schema_of_checks_is_usable() -> None:
    from jsonschema import Draft202012Validator

    schema = TypeAdapter(Checks).json_schema(by_alias=True)
    validator = Draft202012Validator(schema)
    assert validator.is_valid(WRITTEN)
    assert validator.is_valid([{"get": "/", "expect": {"status": [200, "3xx"]}}])
    assert not validator.is_valid([{"get": "/", "expect": {"status": "okay"}}])
    assert not validator.is_valid([{"gett": "/"}])
