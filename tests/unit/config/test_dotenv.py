"""The ``.env`` file, and agreement with Compose itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.dotenv import parse, read
from pipeline.config.interpolation import interpolate
from pipeline.errors import ConfigError, UsageError

FILE = r"""
# a comment

A=1
export B = two words # comment
C="x # y" # z
D='$A \'q\' \n'
E="a\n${A} $B \$A \"q\""
F: yaml
G=${MISSING}x${MISSING:-d}
HOME_ALONE
I=VAL# not a comment
J="multi
line"
K=
L=$A$B
P=/from/file
Q="a\qb \\ c"
R='a\\b'
S=a\nb
T=$$x
U="$$x"
V=  "lead"
W={"a": 1}
X= # kept
Y=${A:+set}${K:+set}${K+set}
"""
VALUES = {
    "A": "1", "B": "two words", "C": "x # y", "D": "$A 'q' \\n", "E": 'a\n1 two words $A "q"',
    "F": "yaml", "G": "xd", "I": "VAL# not a comment", "J": "multi\nline", "K": "",
    "L": "1two words", "P": "/from/file", "Q": "a\\qb \\ c", "R": "a\\\\b", "S": "a\\nb",
    "T": "$x", "U": "$x", "V": "lead", "W": '{"a": 1}', "X": "# kept", "Y": "setset",
}  # fmt: skip
TEXTS = {
    "N1": "${A:-x${B}}", "N2": "${NOPE:-x${B}y}", "N4": "$$ $${A}", "N6": "a ${NOPE:-d}} e",
    "N3": "${NOPE-}|${K:-k}|${K-k}|${A:+alt}|${K:+alt}|${K+alt}|${NOPE+alt}",
}  # fmt: skip


def test_a_file_is_read() -> None:
    assert parse(FILE, ".env", {}) == VALUES


def test_compose_reads_the_same(tmp_path: Path) -> None:
    """The real Compose resolves the same file and the same texts to the same values."""
    asked = {name: f"${{{name}}}" for name in VALUES} | TEXTS
    (tmp_path / ".env").write_text(FILE)
    model = {"services": {"app": {"image": "x", "environment": asked}}}
    (tmp_path / "compose.yaml").write_text(json.dumps(model))
    program = Path(sys.executable).with_name("docker-compose")
    done = subprocess.run(
        [str(program), "config", "--format", "json"], cwd=tmp_path, timeout=60, check=True,
        capture_output=True, env={"PATH": os.defpath, "HOME": str(tmp_path)},
    )  # fmt: skip
    theirs = json.loads(done.stdout)["services"]["app"]["environment"]
    ours = {name: interpolate(text, parse(FILE, ".env", {})) for name, text in asked.items()}
    # What Compose prints is a Compose file again, so its dollars are doubled.
    assert {name: value.replace("$", "$$") for name, value in ours.items()} == theirs


def test_the_environment_wins_inside_the_file() -> None:
    assert parse("A=file\nB=$A", ".env", {"A": "env"}) == {"A": "file", "B": "env"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("A=1\n?x\n", 2, "this line does not begin with the name of a variable"),
        ("A='abc\nB=2\n", 1, "the quote after A is not closed"),
        ('A="x" y\n', 1, "something follows the closing quote of A"),
        ("A B\n", 1, "`=` is missing after A"),
        ("\n\nA=${B\n", 3, "`${B` is followed by neither `}` nor `:-`"),
        ("A=${B:?is needed}\n", 1, "the variable B is not set: is needed"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, ".env", {})
    (problem,) = caught.value.problems
    assert (problem.where.file, problem.where.line, problem.message) == (".env", line, message)
    assert problem.hint


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("?\nA=1\nB C\n", ".env", {})
    assert [problem.where.line for problem in caught.value.problems] == [1, 3]


def test_no_file_is_no_variables(tmp_path: Path) -> None:
    assert read(tmp_path / ".env", ".env", {}) == {}


def test_a_virtual_environment_called_env_is_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert read(tmp_path / ".env", ".env", {}) == {}


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"#" * 1_100_000)
    with pytest.raises(UsageError, match=r"^\.env is too large: at most 1\.0 MB are read$"):
        read(tmp_path / ".env", ".env", {})


@settings(deadline=None)
@given(st.text(max_size=30))
def test_a_value_between_single_quotes_is_itself(value: str) -> None:
    plain = value.replace("\\", "").replace("\r", "")
    quoted = plain.replace("'", "\\'")
    assert parse(f"A='{quoted}'\nB=2", ".env", {}) == {"A": plain, "B": "2"}


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("AB=:'\"\\$#{} \n"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text, ".env", {})
    except ConfigError as error:
        assert all(problem.where.line for problem in error.problems)
    else:
        assert all(isinstance(value, str) for value in found.values())
