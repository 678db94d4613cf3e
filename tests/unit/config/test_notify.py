"""``notify:``: who is told, and that no address which is a key stands in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.kit.notifying import OCCASIONS, Hook
from tests.support.config import read

HEAD = "name: a\nstages: [code]\nsecrets: {SLACK: {env: SLACK_URL}, FILE: {file: hook.txt}}\n"


def test_webhooks_and_commands_with_what_they_are_told_of(tmp_path: Path) -> None:
    pipeline = read(
        tmp_path,
        HEAD
        + """\
notify:
  - {webhook: "http://127.0.0.1:9000/hook"}
  - {webhook: {secret: SLACK}, on: [failure, degraded]}
  - {webhook: {secret: FILE}, on: recovered}
  - {command: [./page, me], on: [degraded]}
""",
    )
    assert pipeline.notify == (
        Hook(url="http://127.0.0.1:9000/hook", on=OCCASIONS),
        Hook(secret="SLACK", env="SLACK_URL", on=("failure", "degraded")),
        Hook(secret="FILE", file=str(tmp_path / "hook.txt"), on=("recovered",)),
        Hook(command=("./page", "me"), directory=str(tmp_path), on=("degraded",)),
    )


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{webhook: 'https://hooks.slack.com/services/T0/B0/x'}", "this address is a secret"),
        ("{webhook: 'https://me:pw@example.com/'}", "this address is a secret"),
        ("{webhook: 'https://discord.com/api/webhooks/1/x'}", "this address is a secret"),
        ("{webhook: 'ftp://example.com'}", "http:// or https://"),
        ("{webhook: {secret: OTHER}}", "no secret OTHER is declared"),
        ("{on: failure}", "either a `webhook` or a `command`"),
        ("{webhook: 'http://a.example', command: [x]}", "either a `webhook` or a `command`"),
        ("{webhook: 'http://a.example', on: always}", "always"),
        ("{command: []}", "command"),
        ("{webhok: 'http://a.example'}", "unknown key"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"{HEAD}notify:\n  - {entry}\n")
    (problem,) = caught.value.problems
    assert said in f"{problem.message} {problem.where.key}"
    assert problem.where.key.startswith("notify")
    if "is a secret" in said:
        assert problem.where.line is None  # a line would be quoted
