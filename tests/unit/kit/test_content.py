from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pipeline.errors import StageFailed
from pipeline.kit.content import content_hash, context_files, is_evidence
from pipeline.kit.ignore import DEFAULT_IGNORE, Ignore

ALL = Ignore.parse("")
DEFAULT = Ignore.parse(DEFAULT_IGNORE)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "app.py").write_text("print('hi')\n")
    (tmp_path / "src" / "naïve name.py").write_text("x = 1\n")
    return tmp_path


def test_files_are_listed_sorted_without_what_tools_make(app: Path) -> None:
    (app / "__pycache__").mkdir()
    (app / "__pycache__" / "app.pyc").write_bytes(b"\0")
    (app / ".env").write_text("KEY=1")
    assert context_files(app, DEFAULT) == ["app.py", "src/naïve name.py"]
    assert context_files(app, ALL) == [".env", "app.py", "src/naïve name.py"]


def test_what_git_lists_counts_even_when_it_looks_derived(app: Path) -> None:
    vendored = app / "node_modules" / "left-pad"
    vendored.mkdir(parents=True)
    (vendored / "index.js").write_text("")
    (vendored / "gone.js").touch()
    (vendored / "gone.js").unlink()
    listed = ["node_modules/left-pad/index.js", "node_modules/left-pad/gone.js", ".env"]
    assert context_files(app, ALL, listed)[1] == "node_modules/left-pad/index.js"
    assert context_files(app, Ignore.parse("node_modules"), listed) == [
        "app.py", "src/naïve name.py",
    ]  # fmt: skip


def test_a_repository_inside_is_walked_but_for_its_git_directory(app: Path) -> None:
    inner = app / "vendor" / "lib"
    (inner / ".git").mkdir(parents=True)
    (inner / "a.py").write_text("")
    (inner / ".git" / "config").write_text("")
    assert context_files(app, ALL, ["app.py", "vendor/lib"]) == [
        "app.py", "src/naïve name.py", "vendor/lib/a.py",
    ]  # fmt: skip


def test_names_that_are_no_text_are_kept(app: Path) -> None:
    (app / os.fsdecode(b"\xff\nname")).touch()
    assert os.fsdecode(b"\xff\nname") in context_files(app, ALL)
    assert len(content_hash(app, ALL)) == 64


def test_the_hash_follows_content_name_mode_and_link_target(app: Path) -> None:
    seen = {content_hash(app, ALL)}
    (app / "app.py").write_text("print('ho')\n")
    seen.add(content_hash(app, ALL))
    (app / "app.py").chmod(0o755)
    seen.add(content_hash(app, ALL))
    (app / "app.py").rename(app / "main.py")
    seen.add(content_hash(app, ALL))
    (app / "link").symlink_to("main.py")
    seen.add(content_hash(app, ALL))
    (app / "link").unlink()
    (app / "link").symlink_to("src")
    seen.add(content_hash(app, ALL))
    assert len(seen) == 6


def test_the_hash_ignores_times_group_rights_and_evidence_files(app: Path) -> None:
    before = content_hash(app, ALL)
    os.utime(app / "app.py", (1, 1))
    (app / "app.py").chmod(0o640)
    for name in (
        "Dockerfile",
        "web.Dockerfile",
        "Dockerfile.dev",
        ".dockerignore",
        "pipeline.lock",
    ):
        assert is_evidence(f"any/where/{name}")
        (app / name).write_text("anything")
    (app / "empty").mkdir()
    assert content_hash(app, ALL) == before
    (app / "src" / "Dockerfile").write_text("a template, seen by the build")
    assert content_hash(app, ALL) != before


def test_the_hash_ignores_what_the_build_does_not_see(app: Path) -> None:
    before = content_hash(app, Ignore.parse("*.md"))
    (app / "notes.md").write_text("unseen")
    assert content_hash(app, Ignore.parse("*.md")) == before
    assert content_hash(app, ALL) != before


def test_moving_bytes_between_files_changes_the_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"")
    first = content_hash(tmp_path, ALL)
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "b").write_bytes(b"1")
    assert content_hash(tmp_path, ALL) != first


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "src/../../outside"])
def test_links_out_of_the_context_are_refused(app: Path, target: str) -> None:
    (app / "leak").symlink_to(target)
    with pytest.raises(
        StageFailed, match=r"the link leak leads out of the build context"
    ) as caught:
        content_hash(app, ALL)
    assert ".dockerignore" in caught.value.hint
    assert f"leak -> {target}" in caught.value.detail
    assert content_hash(app, Ignore.parse("leak"))


def test_a_link_that_leaves_by_way_of_another_is_refused(app: Path) -> None:
    hidden = Ignore.parse("door")
    (app / "door").symlink_to("..")
    (app / "leak").symlink_to("door/other")
    with pytest.raises(StageFailed, match="leak"):
        content_hash(app, hidden)


def test_links_inside_and_dangling_and_in_circles_are_fine(app: Path) -> None:
    (app / "inside").symlink_to("src/../app.py")
    (app / "src" / "up").symlink_to("../app.py")
    (app / "dangling").symlink_to("src/none")
    (app / "circle").symlink_to("circle")
    assert content_hash(app, ALL)


def test_sockets_and_pipes_are_no_content(app: Path) -> None:
    before = content_hash(app, ALL)
    os.mkfifo(app / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(app / "s"))
    assert content_hash(app, ALL) == before


def test_a_file_that_cannot_be_read_is_named(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, mode: str = "r") -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StageFailed, match=r"app\.py cannot be read"):
        content_hash(app, ALL)
