"""Which engine the demo takes."""

import signal
import subprocess
import sys
import tempfile
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


def test_an_interrupt_is_for_pytest(tmp_path: Path) -> None:
    """This process is interrupted along with it, by the terminal, and stays to tidy up."""
    program = (
        "import os, pathlib, re, signal, time\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "parent, end = pathlib.Path(f'/proc/{os.getppid()}/status'), time.monotonic() + 30\n"
        "ignored = lambda: int(re.search(r'SigIgn:\\s+(\\w+)', parent.read_text())[1], 16)\n"
        "while not ignored() & 2 and time.monotonic() < end: time.sleep(0.01)\n"
        "os.kill(os.getppid(), signal.SIGINT)\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
    )
    before = signal.getsignal(signal.SIGINT)
    with subprocess.Popen([sys.executable, "-c", program]) as tests:
        assert project.patiently(tests) != 0
    assert signal.getsignal(signal.SIGINT) == before


def test_what_was_said_meanwhile_is_shown(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """All of it, also what comes while it is shown."""
    program = "import time; print('early', flush=True); time.sleep(0.3); print('late'); exit(3)"
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen([sys.executable, "-c", program], stdout=said, stderr=said) as tests,
    ):
        assert project.patiently(tests, said) == 3
    assert capfdbinary.readouterr().out == b"early\nlate\n"
