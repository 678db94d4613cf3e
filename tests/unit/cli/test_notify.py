"""Who is told how a run ended, from the pipeline file to the program that is told."""

from __future__ import annotations

import json
from typing import Any

from pipeline.adapters.fake_engine import Program, says
from pipeline.kit.notifying import read
from tests.support.desk import Desk

TELLS = "notify: [{command: [sh, -c, 'cat >> told; echo >> told']}]\nstages:\n"


def told(desk: Desk) -> list[dict[str, Any]]:
    file = desk.folder / "told"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_run_that_passed_is_told_and_the_engine_remembers_whom(desk: Desk) -> None:
    desk.change("stages:\n", TELLS)
    desk.write(".dockerignore", "told\n")
    assert desk("run", "--output", "plain").code == 0
    (one,) = told(desk)
    assert (one["event"], one["project"], one["release"]) == ("success", "hello", "r1")
    assert one["text"] == "hello: r1 is live at http://localhost:8000"
    assert one["run"] and one["at"] > 0
    (hook,) = read(desk.engine, "hello")
    assert hook.command[0] == "sh"

    assert desk("run", "--output", "plain").code == 0  # nothing to do, no news
    assert len(told(desk)) == 1
    assert desk("rollback").code != 0  # nothing to go back to: no run, no news
    assert len(told(desk)) == 1


def test_a_run_that_failed_is_told_with_what_serves(desk: Desk) -> None:
    desk.change("stages:\n", TELLS)
    desk.write(".dockerignore", "told\n")
    assert desk("run").code == 0
    desk.engine.behave(Program(answer=says("bad")))
    desk.write("app.py", "print('bad')\n")
    desk.change("checks: [", "within: 0.1s, checks: [")
    assert desk("run").code == 1
    one = told(desk)[-1]
    assert (one["event"], one["release"]) == ("failure", "r1")
    assert one["text"].startswith("hello: the run failed: ")
    assert one["text"].endswith("; r1 still serves at http://localhost:8000")
    assert one["reason"] in one["text"]


def test_who_cannot_be_told_changes_nothing_but_a_notice(desk: Desk) -> None:
    desk.change("stages:\n", "notify: [{webhook: 'http://127.0.0.1:9/s3cret-path'}]\nstages:\n")
    said = desk("run", "--output", "json")
    assert said.code == 0
    *_, notice, last = said.events()
    assert (last["type"], last["status"]) == ("run_finished", "passed")
    assert notice["message"].startswith("a webhook was not told: nothing listens")
    assert notice["level"] == "warning"
    assert "s3cret-path" not in said.out
