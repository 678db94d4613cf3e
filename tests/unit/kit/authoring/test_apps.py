"""What is generated for each of the sample apps, and that linters have nothing to say to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.adapters.shell import LocalShell
from pipeline.kit.authoring import author
from pipeline.kit.dockerfile import hadolint, lint, parse, render
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile.ports import exposed_port
from pipeline.scope import Scope
from tests.support.apps import APPS, App


def shell(run: m.Run) -> str:
    return run.command.text if isinstance(run.command, m.ShellForm) else ""


each_app = pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)


@each_app
def test_what_is_decided(app: App, tmp_path: Path) -> None:
    authored = author(app.write(tmp_path))
    text = render(authored.dockerfile)
    assert authored.port == app.port == exposed_port(text)
    last = authored.dockerfile.stages[-1]
    (command,) = (i.command for i in last.instructions if isinstance(i, m.Cmd))
    assert isinstance(command, m.ExecForm)
    assert not app.command or command.argv == app.command
    assert not app.base or last.base.image == app.base
    assert [part for part in app.has if part not in text] == []


@each_app
def test_its_quality(app: App, tmp_path: Path) -> None:
    dockerfile = author(app.write(tmp_path)).dockerfile
    last = dockerfile.stages[-1].instructions
    users = [i.user for i in last if isinstance(i, m.User)]
    checks = [i for i in last if isinstance(i, m.Healthcheck)]
    assert users[-1] in ("10001", "1000")
    assert bool(checks) is (app.port is not None)
    assert not dockerfile.directives
    for stage in dockerfile.stages:
        runs = [i for i in stage.instructions if isinstance(i, m.Run)]
        installs = [i for i in runs if re.search(r"^(?:pip|npm) (?:install|ci)", shell(i), re.M)]
        assert all("type=cache" in (i.flag("mount") or "") for i in installs)


@each_app
def test_linters_have_nothing_to_say(app: App, tmp_path: Path) -> None:
    text = render(author(app.write(tmp_path)).dockerfile)
    foreign = hadolint.check(text, [tmp_path], LocalShell(), Scope(30))
    assert lint.merge(lint.own_findings(text), foreign) == ()


@each_app
def test_the_same_code_gives_the_same_bytes(app: App, tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "elsewhere"
    texts = [render(author(app.write(folder)).dockerfile) for folder in (first, second)]
    assert texts[0] == texts[1]
    assert parse(texts[0]) == author(first).dockerfile


@each_app
def test_every_decision_has_a_reason_with_a_file_that_exists(app: App, tmp_path: Path) -> None:
    reasons = author(app.write(tmp_path)).reasons
    assert {"language", "start" if app.port is None else "port"} <= {r.subject for r in reasons}
    for reason in reasons:
        assert reason.because
        if reason.file:
            lines = (tmp_path / reason.file).read_text().split("\n")
            assert reason.line is None or reason.line <= len(lines)
