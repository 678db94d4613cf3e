from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.kit.env_files import read


def test_later_files_win_and_nothing_is_interpolated(tmp_path: Path) -> None:
    (tmp_path / "a.env").write_text("A=1\nexport B='x y'\n# no\nC=$A # comment\nEMPTY=\n")
    (tmp_path / "b.env").write_text('A=2\nD="two\\nlines"\n')
    assert read(["a.env", "b.env"], tmp_path, {}) == {
        "A": "2", "B": "x y", "C": "$A", "EMPTY": "", "D": "two\nlines",
    }  # fmt: skip


def test_a_name_alone_is_passed_on(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("FROM_OUTSIDE\nNOT_THERE\n")
    assert read(["env"], tmp_path, {"FROM_OUTSIDE": "x"}) == {"FROM_OUTSIDE": "x"}


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\nnot a variable\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError) as caught:
        read(["env", "missing", "binary"], tmp_path, {})
    first, second, third = caught.value.problems
    assert (first.message, first.where.line) == ("this is not NAME=value", 2)
    assert second.message == "there is no such file"
    assert second.where.key == "run.env_file"
    assert third.message.startswith("cannot be read")
