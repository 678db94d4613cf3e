"""Reading a repository with the real git command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.adapters import git_command
from pipeline.adapters.git_repo import GitRepo
from pipeline.errors import GitUnusable
from pipeline.kit.content import is_evidence
from pipeline.scope import Scope
from tests.unit.git_sandbox import USER, Sandbox

REPO = GitRepo()


def test_outside_of_any_repository_there_is_no_head(sandbox: Sandbox) -> None:
    assert REPO.head(str(sandbox.folder)) is None


def test_a_clean_work_tree(sandbox: Sandbox) -> None:
    repo = sandbox.repo("with space")
    (repo / "sub").mkdir()
    head = REPO.head(str(repo / "sub"))
    assert head is not None
    assert (head.root, head.commit, head.branch) == (str(repo), sandbox.tip(repo), "main")
    assert not head.dirty


def test_before_the_first_commit(sandbox: Sandbox) -> None:
    repo = sandbox.repo(commit=False)
    head = REPO.head(str(repo))
    assert head is not None
    assert (head.commit, head.branch, head.dirty) == (None, "main", False)
    assert REPO.base_commit(str(repo), "X", is_evidence) is None


def test_detached(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.git(repo, "checkout", "-q", "--detach")
    head = REPO.head(str(repo))
    assert head is not None
    assert (head.branch, head.commit) == (None, sandbox.tip(repo))


def test_changes_are_told_apart_from_what_is_new(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    for name in ("gone.py", "both ä\n.py", "moved.py"):
        sandbox.write(repo / name, name)
    sandbox.commit(repo, "More")
    sandbox.write(repo / ".gitignore", "*.log\n")
    sandbox.commit(repo, "Ignore")
    (repo / "gone.py").unlink()
    sandbox.write(repo / "both ä\n.py", "changed")
    sandbox.git(repo, "mv", "moved.py", "here.py")
    sandbox.write(repo / "new dir" / "a", "")
    sandbox.write(repo / "a.log", "")
    head = REPO.head(str(repo))
    assert head is not None
    assert sorted(head.changed) == ["both ä\n.py", "gone.py", "moved.py"]
    assert sorted(head.new) == ["here.py", "new dir/"]


def test_a_conflict_is_a_change(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.git(repo, "checkout", "-q", "-b", "other")
    sandbox.write(repo / "app.py", "other")
    sandbox.commit(repo, "Other")
    sandbox.git(repo, "checkout", "-q", "main")
    sandbox.write(repo / "app.py", "mine")
    sandbox.commit(repo, "Mine")
    with pytest.raises(AssertionError):
        sandbox.git(repo, "merge", "other")
    head = REPO.head(str(repo))
    assert head is not None
    assert head.changed == ("app.py",)


def test_worktrees_submodules_and_bare_repositories(sandbox: Sandbox) -> None:
    repo, inner = sandbox.repo(), sandbox.repo("inner")
    linked = sandbox.folder / "linked"
    sandbox.git(repo, "worktree", "add", "-q", "-b", "side", str(linked))
    sandbox.git(repo, "submodule", "--quiet", "add", str(inner), "vendor/inner")
    sandbox.commit(repo, "Submodule")
    side, module = REPO.head(str(linked)), REPO.head(str(repo / "vendor" / "inner"))
    assert side is not None
    assert module is not None
    assert (side.root, side.branch) == (str(linked), "side")
    assert (module.root, module.commit) == (str(repo / "vendor" / "inner"), sandbox.tip(inner))
    assert "vendor/inner" in REPO.files(str(repo))
    assert REPO.head(str(sandbox.repo("b.git", bare=True))) is None
    assert REPO.head(str(repo / ".git")) is None


def test_sha256_repositories_are_read_and_committed_to(sandbox: Sandbox) -> None:
    path = sandbox.folder / "sha256"
    path.mkdir()
    sandbox.git(path, "init", "-q", "-b", "main", "--object-format=sha256")
    sandbox.write(path / "app.py", "")
    tip = sandbox.commit(path, "Start")
    head = REPO.head(str(path))
    assert head is not None
    assert head.commit == tip
    result = REPO.commit_files(
        str(path), {"Dockerfile": b"FROM x\n"}, message="Add", trailers={}, branch=None
    )
    assert (len(result.commit), result.created) == (64, True)


def test_files_are_tracked_and_new_ones_without_ignored_and_deleted(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.write(repo / "sub" / "näme\nx", "")
    sandbox.write(repo / "sub" / "gone", "")
    sandbox.write(repo / ".gitignore", "*.log\n")
    sandbox.commit(repo, "More")
    (repo / "sub" / "gone").unlink()
    sandbox.write(repo / "sub" / "new", "")
    sandbox.write(repo / "sub" / "a.log", "")
    assert REPO.files(str(repo / "sub")) == ["new", "näme\nx"]
    assert REPO.files(str(repo)) == [".gitignore", "app.py", "sub/new", "sub/näme\nx"]


def test_facts_of_a_commit(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    first = sandbox.tip(repo)
    sandbox.commit(repo, "Größer: mehr\n\nText.\n\nSigned-off-by: A\nDockcycle-Run: 1")
    commit = REPO.commit(str(repo), "HEAD")
    assert (commit.subject, commit.author) == ("Größer: mehr", USER[0])
    assert commit.parents == (first,)
    assert commit.trailers == {"Signed-off-by": "A", "Dockcycle-Run": "1"}
    assert commit.committed[:2] == "20"


def test_the_base_is_below_our_own_records_only(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    mine = sandbox.commit(repo, "Mine")

    def base() -> str:
        found = REPO.base_commit(str(repo), "Dockcycle-Run", is_evidence)
        assert found is not None
        return found.id

    assert base() == mine
    sandbox.write(repo / "Dockerfile", "FROM a\n")
    sandbox.commit(repo, "Record\n\nDockcycle-Run: 1")
    sandbox.write(repo / "web" / "Dockerfile", "FROM b\n")
    sandbox.commit(repo, "Record again\n\nDockcycle-Run: 2")
    assert base() == mine
    sandbox.write(repo / "Dockerfile", "FROM c\n")
    by_hand = sandbox.commit(repo, "By hand")
    assert base() == by_hand
    sandbox.write(repo / "app.py", "changed")
    mixed = sandbox.commit(repo, "Not only ours\n\nDockcycle-Run: 3")
    assert base() == mixed


def test_the_base_in_a_shallow_clone_is_what_there_is(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.write(repo / "Dockerfile", "FROM a\n")
    tip = sandbox.commit(repo, "Record\n\nDockcycle-Run: 1")
    shallow = sandbox.clone(sandbox.remote_of(repo), "shallow", "--depth=1")
    found = REPO.base_commit(str(shallow), "Dockcycle-Run", is_evidence)
    assert found is not None
    assert found.id == tip


def test_versions_are_semantic_and_sorted_as_such(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    for name in ("v1.9.0", "1.10.0", "v1.10.0-rc.2", "v1.10.0-rc.10", "v1.10", "latest", "v01.1.1"):
        sandbox.git(repo, "tag", name)
    sandbox.git(repo, "tag", "-a", "-m", "annotated", "v2.0.0-alpha")
    tip = sandbox.tip(repo)
    sandbox.commit(repo, "Later")
    sandbox.git(repo, "tag", "v3.0.0")
    assert REPO.versions(str(repo), tip) == [
        "2.0.0-alpha", "1.10.0", "1.10.0-rc.10", "1.10.0-rc.2", "1.9.0",
    ]  # fmt: skip


def test_log_gives_subjects_newest_first(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    first = sandbox.tip(repo)
    for subject in ("One", "Two", "Three"):
        sandbox.commit(repo, subject)
    assert REPO.log(str(repo), first, "HEAD") == ["Three", "Two", "One"]
    assert REPO.log(str(repo), first, "HEAD", limit=1) == ["Three"]
    with pytest.raises(GitUnusable):
        REPO.log(str(repo), "--output=/tmp/x", "HEAD")


def test_remote_urls_come_without_credentials(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    assert REPO.remote_url(str(repo), "origin") is None
    assert REPO.remote_url(str(repo), "--all") is None
    sandbox.git(repo, "remote", "add", "origin", "https://me:s3cret@host/a.git")
    assert REPO.remote_url(str(repo), "origin") == "https://host/a.git"


def test_a_branch_that_looks_like_an_option_goes_no_further(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.git(repo, "update-ref", "refs/heads/--upload-pack=x", "HEAD")
    sandbox.git(repo, "symbolic-ref", "HEAD", "refs/heads/--upload-pack=x")
    with pytest.raises(GitUnusable, match=r"--upload-pack=x.*begins with -") as caught:
        REPO.head(str(repo))
    assert "git checkout -b" in caught.value.hint
    sandbox.git(repo, "checkout", "-q", "-b", "good")
    assert REPO.head(str(repo)) is not None


def test_a_repository_of_another_user_is_told_with_the_fix(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = sandbox.repo()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(GitUnusable) as caught:
        REPO.head(str(repo))
    assert f"git config --global --add safe.directory '{repo}'" in caught.value.hint


def test_without_git_only_a_repository_is_a_problem(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = sandbox.repo()
    plain = sandbox.folder / "plain"
    plain.mkdir()
    monkeypatch.setenv("PATH", str(sandbox.folder))
    assert REPO.head(str(plain)) is None
    with pytest.raises(GitUnusable, match="git is not installed"):
        REPO.head(str(repo))


def test_variables_of_a_hook_do_not_point_elsewhere(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, other = sandbox.repo(), sandbox.repo("other")
    sandbox.commit(other, "Another")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    head = REPO.head(str(repo))
    assert head is not None
    assert head.root == str(repo)
    result = REPO.commit_files(
        str(repo), {"Dockerfile": b"FROM x\n"}, message="Add", trailers={}, branch=None
    )
    monkeypatch.undo()
    assert sandbox.git(repo, "ls-tree", "--name-only", result.commit) == "Dockerfile\napp.py"
    assert sandbox.git(other, "log", "--format=%s", "-1") == "Another"


def test_no_hook_and_no_monitor_of_a_checkout_runs(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.remote_of(repo)
    witness = sandbox.folder / "witness"
    for name in ("pre-commit", "post-commit", "reference-transaction", "pre-push", "post-checkout",
                 "post-index-change", "fsmonitor"):  # fmt: skip
        sandbox.hook(repo, name, f"echo {name} >> '{witness}'")
    sandbox.git(repo, "config", "core.fsmonitor", str(repo / ".git" / "hooks" / "fsmonitor"))
    witness.unlink(missing_ok=True)
    assert REPO.head(str(repo)) is not None
    result = REPO.commit_files(
        str(repo), {"Dockerfile": b"FROM x\n"}, message="Add", trailers={}, branch=None
    )
    REPO.push_branch(
        str(repo), "origin", commit=result.commit, branch="main", reapply=True,
        on_line=lambda line: None, scope=Scope(60),
    )  # fmt: skip
    assert not witness.exists()


def test_a_command_that_hangs_is_ended(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = sandbox.repo()
    monkeypatch.setattr(git_command, "LOCAL_LIMIT", 0.2)
    slow = sandbox.folder / "bin" / "git"
    sandbox.write(slow, "#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(GitUnusable, match=r"did not end within 0\.2 s"):
        REPO.commit(str(repo), "HEAD")


def test_a_folder_that_is_gone_is_told(sandbox: Sandbox) -> None:
    with pytest.raises(GitUnusable, match="does not exist"):
        REPO.head(str(sandbox.folder / "gone"))
    assert Path.cwd().exists()
