"""No secret in any sink, in any of its usual encodings."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from pipeline.errors import Location
from pipeline.events import CheckFinished, Notice, StageLog
from pipeline.runner import Masker

SECRET = 'pä$$"wörd/ +x\\9'


@pytest.mark.parametrize(
    "shown", [SECRET, json.dumps(SECRET)[1:-1], quote(SECRET, safe=""), quote_plus(SECRET)]
)
def test_every_usual_form_is_masked(shown: str) -> None:
    assert Masker([SECRET]).text(f"before {shown} after") == "before *** after"


@pytest.mark.parametrize("user", ["", "u", "me", "you"])
def test_basic_authentication_shows_no_more_of_a_password_than_its_edges(user: str) -> None:
    header = base64.b64encode(f"{user}:{SECRET}:x".encode()).decode()
    masked = Masker([SECRET]).text(header)
    assert "***" in masked
    assert len(masked.replace("***", "")) <= len(base64.b64encode(f"{user}::x".encode())) + 2


def test_each_line_of_a_key_is_masked() -> None:
    key = "-----BEGIN KEY-----\nabcdefgh\nijklmnop\n-----END KEY-----"
    assert Masker([key]).text("got ijklmnop") == "got ***"


def test_events_are_masked_wherever_they_hold_text() -> None:
    masker = Masker(["hunter2222"])
    log = masker.data(StageLog(stage="run", line="pw=hunter2222"))
    assert log.line == "pw=***"
    notice = masker.data(
        Notice(message="hunter2222", where=Location("hunter2222.yml", key="a.hunter2222"))
    )
    assert "hunter2222" not in json.dumps(notice.to_json())
    check = masker.data(CheckFinished(check="c", passed=True, seconds=1.5))
    assert (check.passed, check.seconds) == (True, 1.5)


def test_a_longer_secret_is_masked_whole_when_a_shorter_one_is_part_of_it() -> None:
    assert Masker(["abcd", "abcdefgh"]).text("abcdefgh") == "***"


def test_a_value_that_is_too_short_to_hide_is_told() -> None:
    masker = Masker()
    assert masker.add("ab") is False
    assert masker.text("ab cab") == "ab cab"


def test_a_secret_is_masked_from_its_first_use_on() -> None:
    masker = Masker()
    load = masker.watch(lambda name: f"value-of-{name}")
    assert masker.text("value-of-A") == "value-of-A"
    assert load("A") == "value-of-A"
    assert masker.text("value-of-A") == "***"
