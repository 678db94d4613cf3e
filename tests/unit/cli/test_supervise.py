"""How an installed supervisor is told what was asked for."""

import shlex

import pytest

from tests.support.desk import Desk


def told(said: str) -> list[str]:
    """The words behind ``supervise``: of a unit's ``ExecStart=``, or of a ``docker run``."""
    start = next((line for line in said.splitlines() if line.startswith("ExecStart=")), said)
    words = shlex.split(start.replace("\\\n", " "))
    return words[words.index("supervise") + 1 :]


@pytest.mark.parametrize("how", [("--print",), ("--print", "--user"), ("--print", "--container")])
def test_it_is_told_what_was_given_and_nothing_else(desk: Desk, how: tuple[str, ...]) -> None:
    assert told(desk("supervise", *how).out) == []
    given = ("--project", "hello", "--repairs", "7", "--within", "10m")
    assert told(desk("supervise", *how, *given).out) == [
        "--project=hello", "--repairs=7", "--within=10m",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--once", "--install"), "--once does not go with"),
        (("--user",), "--user goes with"),
        (("--container",), "--container goes with"),
        (("--print", "--image", "x"), "--image goes with --container"),
        (("--print", "--within", "soon"), "--within"),
    ],
)
def test_what_makes_no_sense_is_said(desk: Desk, words: tuple[str, ...], said: str) -> None:
    done = desk("supervise", *words)
    assert done.code == 2
    assert said in done.err
