"""Input that means harm: a clear message before any side effect. Odd paths just work."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from tests.engine.conftest import DOCKERFILE, PIPELINE, AppUnderTest, leftovers

pytestmark = pytest.mark.engine

NAMED = "version: 1\nname: {name}\n"
BOMB = "x-a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"x-{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefg", "bcdefgh", strict=True)
)

FILES = [
    ("2 MB", f"{NAMED}x-long: {'a' * 2_000_000}\n", "too large"),
    ("alias bomb", NAMED + BOMB, "alias"),
    ("duplicate key", NAMED + "name: other\n", "name"),
    ("a name that Docker refuses", "version: 1\nname: Hello/World\n", "Hello/World"),
    ("a name like an option", "version: 1\nname: --privileged\n", "--privileged"),
    ("a tag that Docker refuses", PIPELINE.replace("to: [local]", "to: [local], tags: ['a b']"),
     "a b"),
    ("a target like an option", PIPELINE.replace("[local]", "['--all-tags']"), "--all-tags"),
    ("a ref like an option",
     PIPELINE.replace("- code\n", "- code: {{git: 'file:///nowhere', ref: '--upload-pack=x'}}\n"),
     "--upload-pack=x"),
    ("a URL that runs a command", PIPELINE.replace("- code\n", "- code: {{git: 'ext::sh -c x'}}\n"),
     "ext::"),
]  # fmt: skip


def untouched(app: AppUnderTest, engine: docker.DockerClient) -> None:
    """Nothing on the engine, and git is as it was."""
    assert leftovers(engine, app.name) == []
    assert app.git("log", "--format=%s") == "first"
    assert app.git("tag") == ""


@pytest.mark.parametrize(("text", "told"), [f[1:] for f in FILES], ids=[f[0] for f in FILES])
def test_a_file_is_refused_before_anything_is_done(
    text: str, told: str, app: AppUnderTest, engine: docker.DockerClient
) -> None:
    good = (app.directory / "pipeline.yml").read_text()
    app.pipeline(text)
    done = app.run(timeout=60)
    app.directory.joinpath("pipeline.yml").write_text(good)  # for what tidies up after the test
    assert done.code == 2, done.text
    assert "pipeline.yml" in done.text
    assert told in done.text
    assert "Traceback" not in done.text
    assert len(done.text) < 10_000
    untouched(app, engine)


def test_a_branch_like_an_option(app: AppUnderTest, engine: docker.DockerClient) -> None:
    git = app.directory / ".git"
    (git / "refs" / "heads" / "--upload-pack=x").write_text(app.git("rev-parse", "HEAD") + "\n")
    (git / "HEAD").write_text("ref: refs/heads/--upload-pack=x\n")
    done = app.run(timeout=60)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    assert done.code == 4, done.text
    assert "--upload-pack=x" in done.text
    assert "Traceback" not in done.text
    untouched(app, engine)


def test_a_link_out_of_the_context(app: AppUnderTest, engine: docker.DockerClient) -> None:
    (app.directory / ".dockerignore").unlink()
    (app.directory / "passwords").symlink_to("/etc/passwd")
    app.git("add", "-A")
    app.git("commit", "-q", "--amend", "-m", "first")
    done = app.run(timeout=60)
    assert done.code != 0, done.text
    assert "passwords" in done.text
    assert "Traceback" not in done.text
    untouched(app, engine)


@pytest.mark.parametrize("folder", ["a folder with spaces", "日本 – ünï", "it's $HOME; `x` #1"])
def test_odd_folders_are_folders(folder: str, make_app: Callable[..., AppUnderTest]) -> None:
    app = make_app(folder=folder)
    (app.directory / "Dockerfile").write_text(DOCKERFILE)
    done = app.run()
    assert done.code == 0, done.text
    assert app.get().text == "good"


def test_a_log_line_cannot_speak_to_the_terminal(app: AppUnderTest) -> None:
    app.write(
        before='print("\\x1b]0;owned\\x07\\x1b[2J::error::forged\\r", flush=True); sys.exit(1)'
    )
    for output in ("plain", "github"):
        done = app.command("run", "--output", output)
        assert done.code == 1
        assert "\x1b" not in done.text
        assert "\x07" not in done.text
    lines = done.out.splitlines()
    forged = [n for n, line in enumerate(lines) if line.startswith("::error::forged")]
    for number in forged:  # only where the runner has been told not to listen
        before = lines[:number]
        assert sum(line.startswith("::stop-commands::") for line in before) > sum(
            line.startswith("::") and line.endswith("::") and "stop" not in line for line in before
        )


def test_a_checkout_with_hooks_runs_none_of_them(app: AppUnderTest, tmp_path: Path) -> None:
    trace = tmp_path / "hook-ran"
    for name in (
        "pre-commit",
        "post-commit",
        "commit-msg",
        "post-checkout",
        "reference-transaction",
    ):
        hook = app.directory / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho {name} >> '{trace}'\n")
        hook.chmod(0o755)
    (app.directory / "Dockerfile").write_text(f"{DOCKERFILE}# changed, so that track commits\n")
    done = app.run()
    assert done.code == 0, done.text
    assert "committed" in done.text
    assert not trace.exists(), trace.read_text()
    assert subprocess.run(["git", "fsck"], cwd=app.directory, check=False).returncode == 0
