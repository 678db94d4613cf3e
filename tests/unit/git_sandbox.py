"""A real git in a temporary folder, shielded from the configuration of whoever runs the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

USER = ("Ada Lovelace", "ada@example.org")


class Sandbox:
    """Repositories below one folder, driven by the plain git command as a user would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, where: Path, *args: str, stdin: str | None = None) -> str:
        done = subprocess.run(
            ["git", *args], cwd=where, input=stdin, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"git {args}: {done.stderr}"
        return done.stdout.removesuffix("\n")

    def repo(self, name: str = "app", *, commit: bool = True, bare: bool = False) -> Path:
        path = self.folder / name
        path.mkdir(parents=True)
        self.git(path, "init", "-q", "-b", "main", *(["--bare"] if bare else []))
        if commit and not bare:
            self.write(path / "app.py", "print('hi')\n")
            self.commit(path, "Start")
        return path

    def remote_of(self, repo: Path, name: str = "remote.git") -> Path:
        """A bare remote called origin that has the repository's branch."""
        bare = self.repo(name, bare=True)
        self.git(repo, "remote", "add", "origin", str(bare))
        self.git(repo, "push", "-q", "-u", "origin", "HEAD")
        return bare

    def clone(self, bare: Path, name: str, *options: str) -> Path:
        self.git(self.folder, "clone", "-q", *options, bare.as_uri(), name)
        return self.folder / name

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, repo: Path, message: str) -> str:
        self.git(repo, "add", "-A")
        self.git(repo, "commit", "-q", "--allow-empty", "-m", message)
        return self.tip(repo)

    def tip(self, repo: Path, ref: str = "HEAD") -> str:
        return self.git(repo, "rev-parse", ref)

    def hook(self, repo: Path, name: str, body: str) -> None:
        folder = Path(self.git(repo, "rev-parse", "--absolute-git-dir")) / "hooks"
        folder.mkdir(exist_ok=True)
        script = folder / name
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)

    def state(self, repo: Path) -> tuple[str, str, dict[str, str]]:
        """All that must stay as it is: index, stash, work tree."""
        files = {
            str(path.relative_to(repo)): path.read_text()
            for path in sorted(repo.rglob("*"))
            if path.is_file() and ".git" not in path.parts
        }
        index = self.git(repo, "ls-files", "--stage")
        return index, self.git(repo, "stash", "list"), files


def shield(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """No configuration but the sandbox's own reaches git."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "SSH_"))]:
        monkeypatch.delenv(name)
    config = home / "gitconfig"
    config.write_text(f"[user]\n\tname = {USER[0]}\n\temail = {USER[1]}\n"
                      "[protocol \"file\"]\n\tallow = always\n")  # fmt: skip
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(home))
