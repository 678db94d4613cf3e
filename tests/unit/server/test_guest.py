"""What a pull request is let to, and what would let it reach out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.errors import ConfigError, UsageError
from pipeline.server.config import ServedProject
from pipeline.server.guest import Guest, admit, environment

PIPELINE = """\
name: hello
secrets: {TOKEN: {env: TOKEN}}
stages:
  - code: {checks: ["make test", {run: pytest, in: "python:3.13"}]}
  - dockerfile
  - build: {args: {MODE: test}}
  - run: {port: 8000, env: {MODE: test}}
  - smoke
  - push: {to: [docker.io/acme/hello]}
  - operate: {publish: 80}
"""


@dataclass
class World:
    trusted: Path
    theirs: Path
    project: ServedProject

    def admit(self) -> Guest:
        return admit(self.project, "7", self.trusted, self.theirs, {"PATH": "/bin"})


@pytest.fixture
def world(tmp_path: Path) -> World:
    facts = {"name": "hello", "repository": "/origin", "secret": "HOOK"}
    made = World(tmp_path / "branch", tmp_path / "pull", ServedProject.model_validate(facts))
    for folder in (made.trusted, made.theirs):
        folder.mkdir()
    (made.trusted / "pipeline.yml").write_text(PIPELINE)
    (made.theirs / "pipeline.yml").write_text("name: evil\nstages: [{code: {checks: [evil]}}]\n")
    (made.theirs / ".env").write_text("MODE=evil\n")
    return made


def test_the_pipeline_is_the_one_of_the_branch_up_to_its_tests(world: World) -> None:
    guest = world.admit()

    assert (world.theirs / "pipeline.yml").read_text() == PIPELINE
    assert not (world.theirs / ".env").exists()
    assert guest.name == "hello-pr-7"
    assert guest.options == ("--to", "smoke")


def test_no_command_of_theirs_is_run_on_this_machine(world: World) -> None:
    shared = world.admit().shared
    checks = next(word for word in shared if word.startswith("stages.code.checks="))
    assert json.loads(checks.partition("=")[2]) == [{"run": "pytest", "in": "python:3.13"}]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("port: 8000,", "port: 8000, volumes: ['data:/data'],", "`volumes:` of run"),
        ("port: 8000,", "port: 8000, network: host,", "`network:` of run"),
        ("port: 8000,", "port: 8000, env_file: app.env,", "`env_file:` of run"),
        ("port: 8000,", "port: 8000, cap_add: [SYS_ADMIN],", "`cap_add:` of run"),
        ("run: {port: 8000, env: {MODE: test}}", "run: {compose: compose.yaml}", "`compose:`"),
        ("MODE: test}}\n  - smoke", "MODE: '{secret:TOKEN}'}}\n  - smoke", "uses a secret"),
        ("build: {args: {MODE: test}}", "build: {secrets: [TOKEN]}", "`secrets:` of build"),
        ("build: {args: {MODE: test}}", "build: {network: host}", "`network:` of build"),
        ("  - dockerfile\n", "  - mine: {uses: './mine.py:Mine'}\n", "the stage mine"),
        ("  - dockerfile\n", "  - dockerfile: {uses: './mine.py:Mine'}\n", "./mine.py:Mine"),
        ("code: {checks", "code: {git: 'https://x.example', checks", "`git:` of code"),
        ("MODE: test}}\n  - smoke", "MODE: '${SECRET}'}}\n  - smoke", "SECRET"),
    ],
)
def test_a_pipeline_that_would_let_them_reach_out_is_refused(
    world: World, before: str, after: str, why: str
) -> None:
    text = PIPELINE.replace(before, after)
    assert text != PIPELINE
    (world.trusted / "pipeline.yml").write_text(text)
    with pytest.raises((UsageError, ConfigError), match=why):
        world.admit()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "../deep/../../x", "../.."])
def test_a_link_that_leads_out_is_refused(world: World, target: str) -> None:
    (world.theirs / "deep").mkdir()
    (world.theirs / "deep" / "fine").symlink_to("../app.py")
    world.admit()
    (world.theirs / "deep" / "link").symlink_to(target)
    with pytest.raises(UsageError, match="link deep/link leads out"):
        world.admit()


def test_the_place_of_the_file_may_not_be_a_link(world: World, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("untouched")
    (world.theirs / "pipeline.yml").unlink()
    (world.theirs / "pipeline.yml").symlink_to(outside)
    with pytest.raises(UsageError, match="leads out"):
        world.admit()
    assert outside.read_text() == "untouched"


def test_nothing_secret_is_inherited(tmp_path: Path) -> None:
    given = {
        "PATH": "/bin", "TOKEN": "x", "SSH_AUTH_SOCK": "/s", "HOME": "/root",
        "DOCKER_HOST": "unix:///d.sock", "AWS_SECRET_ACCESS_KEY": "x", "GIT_CONFIG_VALUE_0": "x",
    }  # fmt: skip
    home = tmp_path / "home"
    assert environment(given, home) == {
        "PATH": "/bin", "DOCKER_HOST": "unix:///d.sock", "HOME": str(home),
        "DOCKER_CONFIG": str(home / ".docker"),
    }  # fmt: skip
