"""Which files are worth a run."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from pipeline.adapters.git_repo import GitRepo
from pipeline.app.watch.relevance import Relevance
from pipeline.ports import Repo
from tests.support.desk import NoGit
from tests.unit.git_sandbox import Sandbox, shield


def relevance(folder: Path, *named: str, app: str = ".") -> Relevance:
    repo = cast(Repo, NoGit())
    return Relevance(folder, (folder / app).resolve(), repo, [folder / name for name in named])


@pytest.mark.parametrize(
    ("path", "matters"),
    [
        ("app.py", True), ("sub/new.txt", True), ("pipeline.yml", True),
        ("pipeline.production.yml", True), ("compose.yaml", True), (".env", True),
        ("Dockerfile", True), (".dockerignore", True), ("pipeline.lock", True),
        ("deploy/variables", True),
        (".git/index", False), ("node_modules/a/b.js", False), ("__pycache__/app.pyc", False),
        ("app.py~", False), (".app.py.swp", False), ("docs/notes.md", False),
        ("../elsewhere.txt", False),
    ],
)  # fmt: skip
def test_outside_of_git(tmp_path: Path, path: str, matters: bool) -> None:
    (tmp_path / ".dockerignore").write_text("docs\ndeploy\n**/.git\nDockerfile\n")
    found = relevance(tmp_path, "deploy/variables")
    full = str((tmp_path / path).resolve())
    assert found.quick(full) is matters
    assert found.of([full]) == (frozenset([path]) if matters else frozenset())


def test_an_app_beside_the_pipeline_file(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "ci").mkdir()
    found = Relevance(tmp_path / "ci", tmp_path / "app", cast(Repo, NoGit()))
    paths = [str(tmp_path / name) for name in ("app/a.py", "ci/notes.txt", "ci/pipeline.yml")]
    assert found.of(paths) == {"../app/a.py", "pipeline.yml"}


def test_what_git_ignores_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shield(monkeypatch, tmp_path)
    repo = Sandbox(tmp_path).repo("work")
    (repo / ".gitignore").write_text("*.log\n.env\n")
    found = Relevance(repo, repo, GitRepo())
    for name in ("new.py", "out.log", ".env"):
        (repo / name).write_text("x")
    (repo / "app.py").unlink()
    paths = [str(repo / name) for name in ("new.py", "out.log", ".env", "app.py")]
    assert found.of(paths) == {"new.py", ".env", "app.py"}, "deleted, and known before"


def test_a_changed_ignore_file_counts_at_once(tmp_path: Path) -> None:
    found = relevance(tmp_path)
    (tmp_path / ".dockerignore").write_text("notes\n")
    assert found.of([str(tmp_path / "notes")]) == frozenset()


def test_a_broken_ignore_file_is_told_by_the_run(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("[\n")
    assert relevance(tmp_path).of([str(tmp_path / "app.py")]) == {"app.py"}
