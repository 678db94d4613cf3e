"""Which engine the demo takes."""

from pathlib import Path

import pytest

from lab import project
from lab.errors import LabError


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A path on which the docker command is a script that reads its answers from files."""
    script = tmp_path / "docker"
    script.write_text(
        '#!/bin/sh\n[ -e "$0.$1" ] && exit 0\necho "docker $1: refused" >&2\nexit 1\n'
    )
    script.chmod(0o755)
    return {"PATH": f"{tmp_path}:/usr/bin:/bin", "ANSWERS": str(tmp_path)}


def allow(environ: dict[str, str], verb: str) -> None:
    Path(environ["ANSWERS"], f"docker.{verb}").touch()


def test_an_engine_that_answers_is_seen(environ: dict[str, str]) -> None:
    assert not project.engine_answers(environ)
    allow(environ, "version")
    assert project.engine_answers(environ)


def test_images_that_are_there_or_can_be_pulled_are_enough(environ: dict[str, str]) -> None:
    allow(environ, "pull")
    project.require_images(environ, ["python:3.11-slim"])


def test_an_engine_without_images_leads_to_the_lab(environ: dict[str, str]) -> None:
    with pytest.raises(LabError, match=r"(?s)cannot get python:3\.11-slim.*refused.*LAB=1"):
        project.require_images(environ, ["python:3.11-slim"])
