"""Workflows and the action as linters see them: actionlint, and shellcheck on what shells run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lab import gotools
from lab.paths import open_lab
from pipeline.app.github_workflow import workflow

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SHELLCHECK = Path(sys.executable).parent / "shellcheck"
REMOTE = "https://github.com/acme/hello.git"

pytestmark = pytest.mark.timeout(900)  # the linter may have to be built


@pytest.fixture(scope="module")
def actionlint() -> Path:
    return gotools.program(open_lab(None, os.environ).cache, "actionlint")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One on GitHub, that has the action in it, too."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "remote", "add", "origin", REMOTE], cwd=tmp_path, check=True)
    shutil.copy(ROOT / "action.yml", tmp_path)
    (tmp_path / "start.sh").write_text("#!/bin/sh\nexec sleep 1d\n")
    return tmp_path


def complaints(actionlint: Path, repository: Path, text: str) -> str:
    """What actionlint says of a workflow."""
    file = repository / ".github" / "workflows" / "ours.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    argv = [str(actionlint), "-no-color", "-oneline", "-shellcheck", str(SHELLCHECK), str(file)]
    done = subprocess.run(
        argv, cwd=repository, text=True, capture_output=True, timeout=60, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_our_own_workflows(actionlint: Path, repository: Path, file: Path) -> None:
    assert complaints(actionlint, repository, file.read_text()) == ""


def test_the_workflow_that_init_writes(actionlint: Path, repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "init", "--github"], cwd=repository, text=True,
        capture_output=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = (repository / ".github/workflows/dockcycle.yml").read_text()
    assert text == workflow(REMOTE)
    assert complaints(actionlint, repository, text) == ""


def test_it_gives_the_action_what_that_takes(actionlint: Path, repository: Path) -> None:
    ours = workflow(REMOTE, action="./")
    assert complaints(actionlint, repository, ours) == ""
    wrong = ours.replace("to: track", "too: track")
    assert 'input "too" is not defined in action' in complaints(actionlint, repository, wrong)


@pytest.mark.parametrize(
    "step", yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"],
    ids=lambda step: step["name"],
)  # fmt: skip
def test_the_steps_of_the_action(step: dict[str, str]) -> None:
    done = subprocess.run(
        [SHELLCHECK, f"--shell={step['shell']}", "-"], input=step["run"], text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
