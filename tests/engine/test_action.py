"""The action's step that runs the pipeline, as it stands in action.yml, with the real command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.engine.conftest import ROOT, AppUnderTest
from tests.engine.faults import fill_in
from tests.engine.small import TINY, write_version

pytestmark = pytest.mark.engine


def step(app: AppUnderTest, folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The step with ``inputs`` (as variables) of the action, and what it writes put into
    ``folder``."""
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    script = next(step["run"] for step in steps if step.get("id") == "run")
    command = folder / "dockcycle"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m pipeline "$@"\n')
    command.chmod(0o755)
    given = app.environment(
        {"DIRECTORY": str(app.directory), "PIPELINE": "", "OVERLAY": "", "LAST": "",
         "VALUES": "", "CACHE": "", "GITHUB_ACTIONS": "true",
         "GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary"),
         "GITHUB_WORKSPACE": str(app.directory), **inputs}
    )  # fmt: skip
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env={**given, "PATH": f"{folder}:{given['PATH']}"}, text=True, capture_output=True,
        timeout=180, check=False,
    )  # fmt: skip


def test_outputs_summary_and_annotations(app: AppUnderTest, tmp_path: Path) -> None:
    fill_in(app)
    write_version(app, 1)
    done = step(app, tmp_path, LAST="smoke", VALUES="stages.smoke.within=30s")
    assert done.returncode == 0, done.stdout + done.stderr
    record = app.latest()
    image = record["artifacts"]["Images"]["services"]["app"]["id"]
    output = (tmp_path / "output").read_text()
    assert record["trigger"] == "github"
    assert f"\n{image}\n" in output and "status<<" in output and "\npassed\n" in output
    summary = (tmp_path / "summary").read_text()
    assert "| smoke | ✅ passed |" in summary and image in summary

    (app.directory / "Dockerfile").write_text(f"{TINY.format(version=2)}RUN exit 7\n")
    failed = step(app, tmp_path, LAST="smoke")
    assert failed.returncode == 1
    line = len(TINY.splitlines()) + 1
    assert f"::error title=build failed,file=Dockerfile,line={line}" in failed.stdout
    assert "\nfailed\n" in (tmp_path / "output").read_text()
