import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

from pipeline.kit.units import (
    Bytes,
    PortNumber,
    Scalar,
    Seconds,
    Timeout,
    parse_bytes,
    parse_duration,
    parse_port,
    parse_scalar,
)  # fmt: skip


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (0, 0.0),
        (30, 30.0),
        (1.5, 1.5),
        ("30", 30.0),
        ("500ms", 0.5),
        ("30s", 30.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        (" 1h 30m ", 5400.0),
        ("1.5h", 5400.0),
        ("2d", 172800.0),
    ],
)
def test_a_duration_is_read_as_seconds(written: object, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    ["", "soon", "10x", "m10", "-5s", "1h30", -1, math.inf, math.nan, True, None, [], {}, "٣s",
     "9" * 400],
)  # fmt: skip
def test_what_is_no_duration_is_refused_with_examples(written: object) -> None:
    with pytest.raises(ValueError, match="is not a duration; write 30s, 10m, 1h30m or a number"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "count"),
    [
        (1048576, 1048576),
        ("100", 100),
        ("512m", 512 * 1024**2),
        ("512M", 512 * 1024**2),
        ("512MB", 512 * 1024**2),
        ("64KiB", 65536),
        ("1.5g", int(1.5 * 1024**3)),
        ("1 t", 1024**4),
        ("5b", 5),
    ],
)
def test_a_size_is_read_as_bytes(written: object, count: int) -> None:
    assert parse_bytes(written) == count


@pytest.mark.parametrize("written", ["", "big", "5x", -1, 1.5, True, None, "-5m", "9" * 400])
def test_what_is_no_size_is_refused_with_examples(written: object) -> None:
    with pytest.raises(ValueError, match=r"is not a size; write 512m, 1\.5g or a number of bytes"):
        parse_bytes(written)


@pytest.mark.parametrize(("written", "port"), [(1, 1), (65535, 65535), ("8000", 8000)])
def test_a_port_is_a_number(written: object, port: int) -> None:
    assert parse_port(written) == port


@pytest.mark.parametrize("written", [0, 65536, 70000, "http", "80/tcp", True, 80.0, None, []])
def test_what_is_no_port_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="is not a port; a port is a number from 1 to 65535"):
        parse_port(written)


@pytest.mark.parametrize(
    ("written", "text"), [("x", "x"), (3, "3"), (1.5, "1.5"), (True, "true"), (False, "false")]
)
def test_a_scalar_is_text(written: object, text: str) -> None:
    assert parse_scalar(written) == text


def test_a_scalar_is_no_collection_and_not_nothing() -> None:
    with pytest.raises(ValueError, match=r"^a list is not a single value"):
        parse_scalar([1])
    with pytest.raises(ValueError, match=r"^a mapping is not a single value"):
        parse_scalar({})
    with pytest.raises(ValueError, match=r'write "" for an empty one$'):
        parse_scalar(None)


def test_a_limit_of_no_time_is_refused() -> None:
    with pytest.raises(ValidationError, match="a limit of no time at all"):
        TypeAdapter(Timeout).validate_python("0s")


class Everything(BaseModel):
    wait: Seconds
    limit: Timeout
    memory: Bytes
    port: PortNumber
    value: Scalar


GOOD = {"wait": "1h30m", "limit": 1.5, "memory": "512m", "port": 8000, "value": True}


def test_models_take_the_written_form_and_hold_plain_numbers() -> None:
    model = Everything.model_validate(GOOD)
    assert model.model_dump(mode="json") == {
        "wait": 5400.0, "limit": 1.5, "memory": 536870912, "port": 8000, "value": "true",
    }  # fmt: skip
    assert Everything.model_validate(model.model_dump(mode="json")) == model


@pytest.mark.parametrize(
    "wrong",
    [{"wait": "soon"}, {"limit": 0}, {"memory": "big"}, {"port": 70000}, {"value": [1]}],
)
def test_the_json_schema_agrees_with_the_parsers(wrong: dict[str, object]) -> None:
    validator = Draft202012Validator(Everything.model_json_schema())
    assert list(validator.iter_errors(GOOD)) == []
    assert len(list(validator.iter_errors(GOOD | wrong))) == 1
    with pytest.raises(ValidationError):
        Everything.model_validate(GOOD | wrong)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_parsers_accept_or_raise_value_error_and_nothing_else(text: str) -> None:
    for parse in (parse_duration, parse_bytes, parse_port):
        try:
            assert parse(text) >= 0
        except ValueError as error:
            assert " is not a " in str(error)
