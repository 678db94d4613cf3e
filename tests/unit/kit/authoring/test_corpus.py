"""What is generated for every app of tests/corpus is what an expert would let pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.adapters.shell import LocalShell
from pipeline.kit import authoring
from pipeline.kit.dockerfile import hadolint, lint, render
from pipeline.kit.dockerfile import model as m
from pipeline.kit.dockerfile.parse import parse
from pipeline.scope import Scope
from tests.support.corpus import CORPUS, names

_COMPILED = ("go-", "rust-", "java-", "dotnet-")


@pytest.fixture(params=names())
def app(request: pytest.FixtureRequest) -> Path:
    return CORPUS / str(request.param)


def text_of(app: Path) -> str:
    return render(authoring.author(app).dockerfile)


def last(dockerfile: m.Dockerfile, kind: type[m.Instruction]) -> m.Instruction | None:
    found = [item for item in dockerfile.effective() if isinstance(item, kind)]
    return found[-1] if found else None


def test_no_linter_has_anything_to_say(app: Path) -> None:
    text = text_of(app)
    foreign = hadolint.check(text, [], LocalShell(), Scope(60))
    assert lint.merge(lint.own_findings(text), foreign) == ()


def test_the_same_code_gives_the_same_bytes(app: Path) -> None:
    assert text_of(app) == text_of(app)


def test_it_runs_as_a_user_of_its_own_and_signals_arrive(app: Path) -> None:
    dockerfile = parse(text_of(app))
    user, cmd = last(dockerfile, m.User), last(dockerfile, m.Cmd)
    assert isinstance(user, m.User)
    assert user.user.isdigit()
    assert user.user != "0"
    if cmd is None:  # that of the base, which serves files
        assert dockerfile.stages[-1].base.image.startswith("nginxinc/nginx-unprivileged:")
        return
    assert isinstance(cmd, m.Cmd)
    assert isinstance(cmd.command, m.ExecForm)
    if cmd.command.argv[0] == "sh" and cmd.command.argv[1] == "-c":
        assert "exec " in cmd.command.argv[2]


def test_what_listens_can_be_asked_for_its_health(app: Path) -> None:
    authored = authoring.author(app)
    health = last(authored.dockerfile, m.Healthcheck)
    assert (health is not None) == (authored.port is not None)
    if authored.port is not None:
        assert m.Expose((str(authored.port),)) in list(authored.dockerfile.effective())


def test_what_is_compiled_is_compiled_in_a_stage_of_its_own(app: Path) -> None:
    dockerfile = parse(text_of(app))
    assert not dockerfile.directives
    if app.name.startswith(_COMPILED):
        assert [stage.base.name for stage in dockerfile.stages] == ["build", ""]


def test_every_decision_has_its_reason(app: Path) -> None:
    reasons = authoring.author(app).reasons
    assert reasons[0].subject == "language"
    assert all(reason.because for reason in reasons)
