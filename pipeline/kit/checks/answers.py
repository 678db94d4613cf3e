"""Is an answer what was expected? The first thing that is not, in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pipeline.kit.checks.fields import RegexText, Text
from pipeline.kit.checks.models import HttpCheck, HttpExpect
from pipeline.kit.checks.values import Values
from pipeline.kit.json_path import NothingThere, find, same
from pipeline.kit.text import sanitize
from pipeline.ports.http import HttpResponse

EXCERPT = 300
"""Characters of foreign text in a message."""


class Unexpected(Exception):
    """The answer is not what was expected; the message says what and how."""


def judge(check: HttpCheck, response: HttpResponse, values: Values) -> None:
    """Compare, and keep the values that the check captures.

    Raises:
        Unexpected: something differs, or a value to capture is missing.
    """
    expect = check.expect
    _status(expect, response)
    _headers(expect, response, values)
    _body(expect, response, values)
    if expect.json_values or check.capture:
        document = _document(response)
        for path, expected in expect.json_values.items():
            _value(path, values.data(expected), document)
        for name, path in check.capture.items():
            values.keep(name, _found(path, document))
    if expect.within is not None and response.seconds > expect.within:
        raise Unexpected(
            f"expected an answer within {expect.within:g} s, it took {response.seconds:.2f} s"
        )


def matches(expected: Text, text: str, values: Values) -> bool:
    """Is the text contained, or the expression found?"""
    if isinstance(expected, RegexText):
        return re.search(expected.regex, text) is not None
    return values.text(expected) in text


def shown(expected: Text, values: Values) -> str:
    """An expected text for a message."""
    if isinstance(expected, RegexText):
        return f"/{expected.regex}/"
    return excerpt(values.text(expected))


def excerpt(text: str | bytes) -> str:
    """Foreign text, quoted, on one line and cut."""
    if isinstance(text, bytes):
        text = text[: 8 * EXCERPT].decode("utf-8", "replace")
    line = " ".join(sanitize(text.replace("\r", "\n")[: 4 * EXCERPT]).split())
    return f'"{line}"' if len(line) <= EXCERPT else f'"{line[:EXCERPT]}…"'


def _status(expect: HttpExpect, response: HttpResponse) -> None:
    got = str(response.status)
    if any(got == wanted or (got[0] + "xx") == wanted for wanted in expect.status):
        return
    target = response.headers.get("location")
    where = f" to {excerpt(target)}" if target and got.startswith("3") else ""
    body = f": {excerpt(response.body)}" if response.body.strip() else ""
    raise Unexpected(f"expected status {' or '.join(expect.status)}, got {got}{where}{body}")


def _headers(expect: HttpExpect, response: HttpResponse, values: Values) -> None:
    for name, expected in expect.headers.items():
        got = response.headers.get(name.lower())
        if expected is None:
            if got is not None:
                raise Unexpected(f"expected no header {name}, got {excerpt(got)}")
        elif got is None:
            raise Unexpected(f"expected header {name}: {shown(expected, values)}, there is none")
        elif not _header_fits(expected, got, values):
            raise Unexpected(
                f"expected header {name}: {shown(expected, values)}, got {excerpt(got)}"
            )


def _header_fits(expected: Text, got: str, values: Values) -> bool:
    if isinstance(expected, RegexText):
        return matches(expected, got, values)
    return values.text(expected).strip() in (got.strip(), got.partition(";")[0].strip())


def _body(expect: HttpExpect, response: HttpResponse, values: Values) -> None:
    wanted: list[Text] = [] if expect.body is None else [expect.body]
    if expect.regex is not None:
        wanted.append(RegexText(regex=expect.regex))
    text = response.body.decode("utf-8", "replace") if wanted else ""
    for one in wanted:
        if not matches(one, text, values):
            cut = " (only the beginning was read)" if response.truncated else ""
            raise Unexpected(
                f"expected a body with {shown(one, values)}, got {excerpt(response.body)}{cut}"
            )


def _document(response: HttpResponse) -> Any:
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise Unexpected(f"expected JSON, got {excerpt(response.body)}") from None


def _found(path: str, document: Any) -> Any:
    try:
        return find(path, document)
    except NothingThere as error:
        raise Unexpected(f"expected a value at {path}: {error}") from None


def _value(path: str, expected: Any, document: Any) -> None:
    got = _found(path, document)
    if not same(expected, got):
        raise Unexpected(f"expected {_json(expected)} at {path}, got {_json(got)}")


def _json(value: Mapping[str, Any] | Any) -> str:
    return excerpt(json.dumps(value, ensure_ascii=False))[1:-1]
