"""Secrets are named in the file and their values come from outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import secret_loader
from pipeline.errors import UsageError
from tests.support.config import read


def loader(directory: Path, secrets: str, **options: Any) -> Callable[[str], str]:
    text = f"name: a\nstages: [code]\nsecrets: {secrets}\n"
    return secret_loader(read(directory, text, **options))


def test_from_a_variable_long_and_short(tmp_path: Path) -> None:
    load = loader(tmp_path, "{A: {env: X}, B: X}", variables={"X": "value"})
    assert (load("A"), load("B")) == ("value", "value")


def test_from_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("X='it''s'\n".replace("''", "\\'"))
    assert loader(tmp_path, "{A: X}")("A") == "it's"


@pytest.mark.parametrize(
    ("content", "value"),
    [("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), ("a\nb\n\n", "a\nb\n"), (" x ", " x ")],
)
def test_from_a_file_without_its_last_line_end(tmp_path: Path, content: str, value: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "token").write_bytes(content.encode())
    assert loader(tmp_path, "{A: {file: sub/token}}")("A") == value


def test_values_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    load = loader(tmp_path, "{A: {file: token}}")
    (tmp_path / "token").write_text("later")
    assert load("A") == "later"


@pytest.mark.parametrize(
    ("secrets", "name", "message", "hint"),
    [
        ("{TOKEN: X}", "TOKN", "no secret TOKN is declared", "Did you mean `TOKEN`?"),
        ("{TOKEN: X}", "OTHER", "no secret OTHER is declared",
         "Declare it at the top of the file: `secrets: {OTHER: {env: OTHER}}`."),
        ("{A: TOKEM}", "A", "the secret A has no value: the variable TOKEM is not set",
         "Set TOKEM in the environment or in .env. Did you mean `TOKEN`?"),
        ("{A: EMPTY}", "A", "the secret A has no value: the variable EMPTY is empty",
         "Set EMPTY in the environment or in .env."),
    ],
)  # fmt: skip
def test_a_secret_without_a_value_is_told(
    tmp_path: Path, secrets: str, name: str, message: str, hint: str
) -> None:
    load = loader(tmp_path, secrets, variables={"EMPTY": "", "TOKEN": "x"})
    with pytest.raises(UsageError) as caught:
        load(name)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\n", "is empty"),
        (b"x" * 70_000, "is larger than 64 KiB"),
        (b"se\xffcret", "is not UTF-8 text (byte 3)"),
    ],
)
def test_a_file_that_holds_no_secret_is_told(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        loader(tmp_path, "{A: {file: token}}")("A")
    assert caught.value.message == f"the secret A has no value: {tmp_path / 'token'} {message}"
    assert caught.value.__context__ is None or b"cret" not in repr(caught.value.__cause__).encode()
