"""The bare git remote and its switch."""

import subprocess
from pathlib import Path

import pytest

from lab import gitremote


def git(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    argv = ["git", *who, *words]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    gitremote.create(tmp_path / "remote.git")
    git("clone", "--quiet", str(tmp_path / "remote.git"), "clone", cwd=tmp_path)
    git("commit", "--quiet", "--allow-empty", "--message", "one", cwd=tmp_path / "clone")
    return tmp_path / "clone"


def test_pushes_are_taken_refused_and_taken_again(clone: Path, tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    gitremote.refuse_pushes(remote, True)
    refused = git("push", "origin", "HEAD:main", cwd=clone)
    assert refused.returncode != 0
    assert "this remote refuses pushes" in refused.stderr

    gitremote.refuse_pushes(remote, False)
    assert git("push", "origin", "HEAD:main", cwd=clone).returncode == 0


def test_creating_it_again_keeps_what_was_pushed(clone: Path, tmp_path: Path) -> None:
    git("push", "origin", "HEAD:main", cwd=clone)
    gitremote.create(tmp_path / "remote.git")
    assert git("ls-remote", "origin", "main", cwd=clone).stdout.endswith("refs/heads/main\n")
