from __future__ import annotations

import pytest

from pipeline.artifacts import Finding
from pipeline.kit.dockerfile import lint, parse, rules
from pipeline.kit.dockerfile.secrets import is_secret_name, is_secret_value

GOOD = "FROM python:3.13-slim\nUSER 10001\n"


def found(text: str) -> list[tuple[str, str, int]]:
    return [(f.rule, f.level, f.line) for f in rules.check(parse(text))]


def test_a_good_file_has_no_findings() -> None:
    assert found(GOOD) == []


@pytest.mark.parametrize(
    "line",
    [
        "ARG NPM_TOKEN",
        "ARG dbPassword=x",
        "ENV SECRET_KEY=abc",
        'ENV A=1 API_KEY="k"',
        "ENV TOKEN $TOKEN",
        "ENV DATABASE_URL=postgres://user:hunter2@db/app",
        "ENV X=ghp_012345678901234567890123456789abcdef",
        "ONBUILD ARG PASSWORD",
    ],
)
def test_a_secret_in_the_image_is_an_error(line: str) -> None:
    assert found(f"{GOOD}{line}\n") == [(rules.SECRET, "error", 3)]


@pytest.mark.parametrize(
    "line",
    [
        "ENV DB_PASSWORD_FILE=/run/secrets/db",
        'ENV PASSWORD=""',
        "ENV TOKENIZERS_PARALLELISM=false",
        "ENV DATABASE_URL=postgres://db/app",
        "ENV PASSENGER_PORT=1 MONKEY=2 PWD=/",
        "ARG VERSION=1",
    ],
)
def test_what_only_resembles_a_secret_is_none(line: str) -> None:
    assert found(f"{GOOD}{line}\n") == []


@pytest.mark.parametrize(
    ("image", "moves"),
    [
        ("python", True),
        ("python:latest", True),
        ("localhost:5000/app", True),
        ("localhost:5000/app:1", False),
        ("python@sha256:00", False),
        ("scratch", False),
        ("${BASE}", False),
    ],
)
def test_a_base_that_moves(image: str, moves: bool) -> None:
    assert (rules.MOVING_BASE in {rule for rule, *_ in found(f"FROM {image}\nUSER 1\n")}) is moves


def test_a_stage_of_the_file_is_no_moving_base() -> None:
    assert found("FROM a:1 AS Base\nUSER 1\nFROM base\n") == []


def test_root_is_told_as_far_as_it_can_be_known() -> None:
    assert found("FROM a:1\nCMD x\n") == [(rules.ROOT, "info", 1)]
    assert found("FROM a:1\nUSER 1\nUSER root:root\n") == [(rules.ROOT, "warning", 3)]


def test_a_comment_above_silences_a_rule_for_one_instruction() -> None:
    text = f"{GOOD}# dockcycle ignore=secret-in-image, other\nARG TOKEN\nARG PASSWORD\n"
    assert found(text) == [(rules.SECRET, "error", 5)]


def test_names_and_values() -> None:
    assert is_secret_name("AWS_SECRET_ACCESS_KEY")
    assert is_secret_name("client-secret")
    assert not is_secret_name("TOKEN_TTL")
    assert not is_secret_name("KEYBOARD")
    assert is_secret_value("AKIAIOSFODNN7EXAMPLE")
    assert not is_secret_value("https://example.com:8080/path@x")


def finding(rule: str, level: str = "warning", line: int = 1) -> Finding:
    return Finding.model_validate({"rule": rule, "level": level, "line": line, "message": rule})


def test_what_both_linters_say_is_told_once() -> None:
    own = [finding(rules.MOVING_BASE, line=1)]
    foreign = [finding("DL3006", line=1), finding("DL3006", line=2), finding("DL3008", line=1)]
    merged = lint.merge(own, foreign)
    assert [(f.rule, f.line) for f in merged] == [
        ("DL3008", 1), (rules.MOVING_BASE, 1), ("DL3006", 2),
    ]  # fmt: skip


def test_hadolint_may_not_read_what_the_builder_can() -> None:
    (told,) = lint.merge([], [finding("DL1000", "error")])
    assert told.level == "info"
    syntax = lint.own_findings("FROM a\nRUM x\n")
    assert lint.merge(syntax, [finding("DL1000", "error", 2)]) == tuple(syntax)
    assert (syntax[0].rule, syntax[0].level, syntax[0].line) == ("syntax", "error", 2)


def test_the_threshold() -> None:
    findings = [finding("a", level) for level in ("error", "warning", "info", "style")]
    counts = {level: len(lint.at_or_above(findings, level)) for level in ("error", "warning")}
    assert counts == {"error": 1, "warning": 2}
    assert len(lint.at_or_above(findings, "style")) == 4
    assert lint.at_or_above(findings, "off") == []
