"""Committing beside the user's own work, with the real git command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.adapters import git_commit
from pipeline.adapters.git_command import Git
from pipeline.adapters.git_commit import Target
from pipeline.adapters.git_repo import GitRepo
from pipeline.errors import GitUnusable
from pipeline.ports.repo import CommitResult
from tests.unit.git_sandbox import USER, Sandbox

DOCKERFILE = {"Dockerfile": b"FROM busybox\n"}


def commit(
    repo: Path, files: dict[str, bytes] = DOCKERFILE, branch: str | None = None
) -> CommitResult:
    return GitRepo().commit_files(
        str(repo), files, message="Track the Dockerfile", trailers={"Dockcycle-Run": "r\n1"},
        branch=branch,
    )  # fmt: skip


def test_a_commit_has_the_files_the_text_and_the_users_name(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    before = sandbox.tip(repo)
    sandbox.write(repo / "Dockerfile", "FROM busybox\n")
    result = commit(repo)
    assert result.created
    assert sandbox.tip(repo) == result.commit
    assert sandbox.tip(repo, "HEAD~1") == before
    assert sandbox.git(repo, "show", "--name-status", "--format=%an %ae %cn%n%B", "HEAD") == (
        f"{USER[0]} {USER[1]} {USER[0]}\nTrack the Dockerfile\n\nDockcycle-Run: r 1\n\n\n"
        "A\tDockerfile"
    )
    assert sandbox.git(repo, "status", "--porcelain") == ""


def test_staged_unstaged_and_stashed_changes_stay_exactly_as_they_were(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    for name in ("staged", "unstaged", "both", "Dockerfile"):
        sandbox.write(repo / name, "one\n")
    sandbox.commit(repo, "Files")
    sandbox.write(repo / "unstaged", "for the stash\n")
    sandbox.git(repo, "stash")
    sandbox.write(repo / "staged", "two\n")
    sandbox.write(repo / "both", "two\n")
    sandbox.write(repo / "new staged", "new\n")
    sandbox.git(repo, "add", "staged", "both", "new staged")
    sandbox.git(repo, "rm", "-q", "--cached", "app.py")
    sandbox.write(repo / "unstaged", "two\n")
    sandbox.write(repo / "both", "three\n")
    sandbox.write(repo / "Dockerfile", "FROM busybox\n")
    sandbox.write(repo / "untracked", "x\n")
    index, stash, files = sandbox.state(repo)
    result = commit(repo)
    after_index, after_stash, after_files = sandbox.state(repo)
    assert (after_stash, after_files) == (stash, files)
    changed = set(after_index.splitlines()) ^ set(index.splitlines())
    assert {line.partition("\t")[2] for line in changed} == {"Dockerfile"}
    assert sandbox.git(repo, "diff", "--name-only", "HEAD~1", "HEAD") == "Dockerfile"
    assert sandbox.git(repo, "diff", "--cached", "--name-only").split("\n") == [
        "app.py", "both", "new staged", "staged",
    ]  # fmt: skip
    assert result.kept == ()


def test_what_the_user_staged_on_the_path_itself_is_left_and_told(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.write(repo / "Dockerfile", "FROM mine\n")
    sandbox.git(repo, "add", "Dockerfile")
    result = commit(repo, {**DOCKERFILE, ".dockerignore": b".git\n"})
    assert result.kept == ("Dockerfile",)
    assert sandbox.git(repo, "show", ":Dockerfile") == "FROM mine"
    assert sandbox.git(repo, "show", ":.dockerignore") == ".git"
    assert sandbox.git(repo, "show", "HEAD:Dockerfile") == "FROM busybox"


def test_the_same_content_staged_already_is_no_change_of_the_users(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.write(repo / "Dockerfile", "FROM busybox\n")
    sandbox.git(repo, "add", "Dockerfile")
    assert commit(repo).kept == ()
    assert sandbox.git(repo, "status", "--porcelain") == ""


def test_an_intent_to_add_has_nothing_staged(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.write(repo / "Dockerfile", "FROM busybox\n")
    sandbox.git(repo, "add", "--intent-to-add", "Dockerfile")
    assert commit(repo).kept == ()
    assert sandbox.git(repo, "status", "--porcelain") == ""


def test_nothing_is_committed_when_the_branch_has_the_files(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    first = commit(repo)
    sandbox.write(repo / "Dockerfile", "FROM elsewhere\n")
    sandbox.git(repo, "add", "Dockerfile")
    state = sandbox.state(repo)
    again = commit(repo)
    assert (again.commit, again.created) == (first.commit, False)
    assert sandbox.state(repo) == state


@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_the_mode_of_a_file_is_kept(sandbox: Sandbox, mode: int) -> None:
    repo = sandbox.repo()
    sandbox.write(repo / "Dockerfile", "FROM old\n")
    (repo / "Dockerfile").chmod(mode)
    sandbox.commit(repo, "Mode")
    commit(repo)
    assert sandbox.git(repo, "ls-tree", "HEAD", "Dockerfile").startswith(f"100{mode:o}")


def test_the_first_commit_of_a_repository_can_be_ours(sandbox: Sandbox) -> None:
    repo = sandbox.repo(commit=False)
    result = commit(repo)
    assert sandbox.git(repo, "log", "--format=%H %D") == f"{result.commit} HEAD -> main"


def test_detached_head_moves_by_itself(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    main = sandbox.tip(repo)
    sandbox.git(repo, "checkout", "-q", "--detach")
    result = commit(repo)
    assert (sandbox.tip(repo), sandbox.tip(repo, "main")) == (result.commit, main)
    assert sandbox.git(repo, "status", "--porcelain") == " D Dockerfile"


def test_another_branch_is_made_from_head_without_switching(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    main = sandbox.tip(repo)
    state = sandbox.state(repo)
    result = commit(repo, branch="dockcycle/app")
    assert sandbox.tip(repo, "dockcycle/app") == result.commit
    assert sandbox.tip(repo, "dockcycle/app~1") == main == sandbox.tip(repo)
    assert sandbox.git(repo, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert sandbox.state(repo) == state
    again = commit(repo, branch="dockcycle/app")
    assert (again.commit, again.created) == (result.commit, False)


def test_another_branch_is_made_even_with_nothing_to_commit(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    commit(repo)
    result = commit(repo, branch="other")
    assert (result.created, sandbox.tip(repo, "other")) == (False, result.commit)


def test_a_branch_of_another_work_tree_is_left_alone(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.git(repo, "worktree", "add", "-q", "-b", "side", str(sandbox.folder / "side"))
    with pytest.raises(GitUnusable, match=r"side is checked out in another work tree"):
        commit(repo, branch="side")
    result = commit(sandbox.folder / "side")
    assert sandbox.tip(repo, "side") == result.commit


def test_a_name_like_an_option_is_refused(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    with pytest.raises(GitUnusable, match="begins with -"):
        commit(repo, branch="--upload-pack=x")


@pytest.mark.parametrize("path", ["../x", "/etc/x", ".git/config", "a/.git/config", "a//b", ""])
def test_paths_outside_are_refused(sandbox: Sandbox, path: str) -> None:
    with pytest.raises(GitUnusable, match="not the path of a file"):
        commit(sandbox.repo(), {path: b""})


def test_odd_paths_are_taken_literally(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    files = {"wéb app/Dockerfile": b"a", "[x]/*\n/Dockerfile": b"b", ":(glob)**": b"c", "-n": b"d"}
    commit(repo, files)
    listed = sandbox.git(repo, "ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0")
    assert sorted(name for name in listed if name) == sorted([*files, "app.py"])


def test_ignored_files_are_not_committed(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.write(repo / ".gitignore", "pipeline.lock\n")
    sandbox.commit(repo, "Ignore")
    result = commit(repo, {**DOCKERFILE, "pipeline.lock": b"{}"})
    assert result.ignored == ("pipeline.lock",)
    assert sandbox.git(repo, "ls-tree", "--name-only", "HEAD").split() == [
        ".gitignore", "Dockerfile", "app.py",
    ]  # fmt: skip
    assert GitRepo().has_files(str(repo), {**DOCKERFILE, "pipeline.lock": b"{}"})


def test_line_end_rules_of_the_repository_hold(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.write(repo / ".gitattributes", "* text=auto\n")
    sandbox.commit(repo, "Text")
    commit(repo, {"Dockerfile": b"FROM busybox\r\n"})
    assert sandbox.git(repo, "cat-file", "-p", "HEAD:Dockerfile") == "FROM busybox"
    assert GitRepo().has_files(str(repo), {"Dockerfile": b"FROM busybox\r\n"})


def test_a_link_or_folder_in_the_way_is_told(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    (repo / "Dockerfile").symlink_to("app.py")
    sandbox.commit(repo, "Link")
    with pytest.raises(GitUnusable, match="Dockerfile is something else"):
        commit(repo)
    with pytest.raises(GitUnusable, match=r"app\.py is something else"):
        commit(repo, {"app.py/Dockerfile": b""})


def test_during_a_rebase_nothing_is_done(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.commit(repo, "Two")
    (repo / ".git" / "rebase-merge").mkdir()
    with pytest.raises(GitUnusable, match="a rebase is under way"):
        commit(repo)


def test_without_an_identity_a_name_of_ours_is_used(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = sandbox.repo()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    commit(repo)
    who = "dockcycle <dockcycle@localhost>"
    assert sandbox.git(repo, "log", "-1", "--format=%an <%ae>%n%cn <%ce>") == f"{who}\n{who}"


def test_signing_is_done_when_it_is_asked_for_and_a_failure_is_explained(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    key = sandbox.folder / "signer"
    sandbox.write(key, "#!/bin/sh\necho 'gpg failed to sign the data' >&2\nexit 1\n")
    key.chmod(0o755)
    sandbox.git(repo, "config", "commit.gpgsign", "true")
    sandbox.git(repo, "config", "gpg.program", str(key))
    tip = sandbox.tip(repo)
    state = sandbox.state(repo)
    with pytest.raises(GitUnusable) as caught:
        commit(repo)
    assert "commit.gpgsign" in caught.value.hint
    assert (sandbox.tip(repo), sandbox.state(repo)) == (tip, state)


def test_another_commit_in_between_is_built_upon(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = sandbox.repo()
    real = git_commit.move_ref
    raced: list[str] = []

    def race(git: object, target: Target, oid: str, message: str) -> bool:
        if not raced:
            sandbox.write(repo / "theirs", "x")
            sandbox.git(repo, "add", "theirs")
            sandbox.git(repo, "commit", "-q", "-m", "Meanwhile", "--only", "theirs")
            raced.append(sandbox.tip(repo))
        return real(Git(repo), target, oid, message)

    monkeypatch.setattr(git_commit, "move_ref", race)
    result = commit(repo)
    assert sandbox.tip(repo, f"{result.commit}~1") == raced[0]
    assert sandbox.git(repo, "diff", "--cached", "--name-only") == ""


def test_a_branch_that_never_stands_still_is_given_up(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = sandbox.repo()
    state = sandbox.state(repo)
    monkeypatch.setattr(git_commit, "move_ref", lambda *args: False)
    with pytest.raises(GitUnusable, match="kept moving"):
        commit(repo)
    assert sandbox.state(repo) == state


def test_a_locked_index_stops_before_the_branch_moves(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    tip = sandbox.tip(repo)
    (repo / ".git" / "index.lock").touch()
    with pytest.raises(GitUnusable) as caught:
        commit(repo)
    assert f"remove {repo / '.git' / 'index.lock'}" in caught.value.hint
    assert sandbox.tip(repo) == tip


def test_killed_between_index_and_branch_the_next_try_converges(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = sandbox.repo()
    sandbox.write(repo / "Dockerfile", "FROM busybox\n")

    class Killed(BaseException):
        pass

    def die(*args: object) -> bool:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(git_commit, "move_ref", die)
        commit(repo)
    result = commit(repo)
    assert (result.created, result.kept) == (True, ())
    assert sandbox.git(repo, "status", "--porcelain") == ""


def test_has_files_says_what_commit_files_would_do(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    assert not GitRepo().has_files(str(repo), DOCKERFILE)
    commit(repo)
    assert GitRepo().has_files(str(repo), DOCKERFILE)
    assert not GitRepo().has_files(str(repo), {"Dockerfile": b"FROM other\n"})
    assert not GitRepo().has_files(str(repo), DOCKERFILE, branch="new")
    commit(repo, branch="new")
    assert GitRepo().has_files(str(repo), DOCKERFILE, branch="new")


def test_tags_are_annotated_and_made_once(sandbox: Sandbox) -> None:
    repo, git = sandbox.repo(), GitRepo()
    tip = sandbox.tip(repo)
    assert git.find_tag(str(repo), "r/1") is None
    assert git.tag(str(repo), "r/1", tip, "Release\n\nDockcycle-Image: x\n")
    assert not git.tag(str(repo), "r/1", tip, "Again")
    assert git.find_tag(str(repo), "r/1") == tip
    assert sandbox.git(repo, "cat-file", "-t", "r/1") == "tag"
    body = sandbox.git(repo, "for-each-ref", "--format=%(contents)", "refs/tags/r/1")
    assert body.rstrip() == "Release\n\nDockcycle-Image: x"
    later = sandbox.commit(repo, "Later")
    with pytest.raises(GitUnusable, match=r"r/1 exists already, on another commit"):
        git.tag(str(repo), "r/1", later, "")
    git.delete_tag(str(repo), "r/1")
    git.delete_tag(str(repo), "r/1")
    assert git.find_tag(str(repo), "r/1") is None
    with pytest.raises(GitUnusable, match="begins with -"):
        git.tag(str(repo), "--delete", tip, "")
