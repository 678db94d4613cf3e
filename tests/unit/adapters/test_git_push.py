"""Pushing to real repositories on this disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.adapters import git_command, git_remote
from pipeline.adapters.git_repo import GitRepo
from pipeline.errors import Cancelled, DeadlineExceeded, GitRejected, GitUnusable
from pipeline.scope import Scope
from tests.unit.git_sandbox import Sandbox

FILES = {"Dockerfile": b"FROM busybox\n"}


def record(repo: Path, files: dict[str, bytes] = FILES, branch: str | None = None) -> str:
    return (
        GitRepo()
        .commit_files(
            str(repo), files, message="Record", trailers={"Dockcycle-Run": "r"}, branch=branch
        )
        .commit
    )


def push(
    repo: Path, commit: str, branch: str = "main", *, remote: str = "origin", reapply: bool = True,
    seconds: float = 60,
) -> str:  # fmt: skip
    return GitRepo().push_branch(
        str(repo), remote, commit=commit, branch=branch, reapply=reapply,
        on_line=lambda line: None, scope=Scope(seconds),
    )  # fmt: skip


def move_on(sandbox: Sandbox, bare: Path, name: str = "theirs", text: str = "x") -> str:
    """A colleague pushes to the same branch."""
    other = sandbox.folder / "colleague"
    if not other.exists():
        sandbox.clone(bare, "colleague")
    sandbox.git(other, "pull", "-q")
    sandbox.write(other / name, text)
    tip = sandbox.commit(other, f"Their {name}")
    sandbox.git(other, "push", "-q")
    return tip


def test_a_push_takes_the_commits_below_with_it(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    mine = sandbox.commit(repo, "Mine")
    ours = record(repo)
    git = GitRepo()
    missing = git.unpushed(str(repo), "origin", commit=ours, branch="main")
    assert [commit.id for commit in missing] == [ours, mine]
    assert push(repo, ours) == ours == sandbox.tip(bare, "main")
    assert git.unpushed(str(repo), "origin", commit=ours, branch="main") == []
    assert push(repo, ours) == ours
    assert git.unpushed(str(repo), "origin", commit=ours, branch="never-seen") == []


def test_a_new_branch_is_made_on_the_remote(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    ours = record(repo, branch="dockcycle/app")
    assert push(repo, ours, "dockcycle/app") == sandbox.tip(bare, "dockcycle/app") == ours


def test_when_the_remote_has_moved_on_our_commit_goes_on_top(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    theirs = move_on(sandbox, bare)
    ours = record(repo)
    state = sandbox.state(repo)
    pushed = push(repo, ours)
    assert sandbox.tip(bare, "main") == pushed != ours
    assert sandbox.tip(bare, "main~1") == theirs
    log = sandbox.git(bare, "log", "-1", "--format=%an|%s|%(trailers:only)", "main")
    assert log.rstrip() == "Ada Lovelace|Record|Dockcycle-Run: r"
    assert sandbox.git(bare, "show", "main:Dockerfile") == "FROM busybox"
    assert (sandbox.tip(repo), sandbox.state(repo)) == (ours, state)
    assert push(repo, ours) == pushed, "a second push has nothing to do"


def test_several_commits_of_ours_are_made_again_in_order(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    record(repo)
    ours = record(repo, {"Dockerfile": b"FROM alpine\n", ".dockerignore": b"x\n"})
    move_on(sandbox, bare)
    push(repo, ours)
    assert sandbox.git(bare, "log", "-3", "--format=%s", "main").split("\n") == [
        "Record", "Record", "Their theirs",
    ]  # fmt: skip
    assert sandbox.git(bare, "show", "main~1:Dockerfile") == "FROM busybox"


def test_a_branch_that_nobody_has_checked_out_follows(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    sandbox.git(repo, "checkout", "-q", "--detach")
    sandbox.git(repo, "branch", "-q", "-D", "main")
    move_on(sandbox, bare)
    ours = record(repo, branch="main")
    pushed = push(repo, ours)
    assert sandbox.tip(repo, "main") == pushed != ours


def test_a_shallow_clone_can_push_onto_a_branch_that_moved(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.commit(repo, "More")
    bare = sandbox.remote_of(repo)
    shallow = sandbox.clone(bare, "shallow", "--depth=1")
    ours = record(shallow)
    theirs = move_on(sandbox, bare)
    assert push(shallow, ours) == sandbox.tip(bare, "main")
    assert sandbox.tip(bare, "main~1") == theirs


def test_when_a_colleague_recorded_the_same_nothing_is_pushed(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    ours = record(repo)
    theirs = move_on(sandbox, bare, "Dockerfile", "FROM busybox\n")
    assert push(repo, ours) == theirs == sandbox.tip(bare, "main")


def test_a_branch_that_only_lags_behind_is_no_problem(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    ours = record(repo)
    push(repo, ours)
    theirs = move_on(sandbox, bare)
    assert push(repo, ours) == theirs


def test_other_changes_to_the_same_file_are_not_overwritten(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    ours = record(repo)
    theirs = move_on(sandbox, bare, "Dockerfile", "FROM theirs\n")
    with pytest.raises(GitUnusable, match="origin/main has other changes to Dockerfile"):
        push(repo, ours)
    assert sandbox.tip(bare, "main") == theirs


def test_the_users_own_diverged_commits_are_not_rebased_behind_his_back(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    theirs = move_on(sandbox, bare)
    mine = sandbox.commit(repo, "My work")
    with pytest.raises(GitUnusable, match="1 commits that it lacks") as caught:
        push(repo, record(repo))
    assert f"{mine[:12]} My work" in caught.value.detail
    assert "git pull --rebase" in caught.value.hint
    assert sandbox.tip(bare, "main") == theirs


def test_without_reapply_a_moved_branch_is_told(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    move_on(sandbox, sandbox.remote_of(repo))
    with pytest.raises(GitUnusable, match=r"origin/main has moved on$"):
        push(repo, record(repo), reapply=False)


def test_a_remote_that_moves_all_the_time_is_given_up(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    ours = record(repo)
    real = git_command.Git.stream
    count = iter(range(100))

    def busy(self: git_command.Git, *args: str, **more: object) -> object:
        if args[0] == "push":
            move_on(sandbox, bare, f"theirs{next(count)}")
        return real(self, *args, **more)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(git_command.Git, "stream", busy)
    with pytest.raises(GitUnusable, match="again and again"):
        push(repo, ours)
    assert next(count) == 4


def test_a_hook_that_refuses_is_shown_with_its_words(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    tip = sandbox.tip(bare, "main")
    sandbox.hook(bare, "pre-receive", "echo 'Branch main is protected.' >&2; exit 1")
    ours = record(repo)
    with pytest.raises(GitRejected, match=r"origin refuses branch main: .*declined") as caught:
        push(repo, ours)
    assert "Branch main is protected." in caught.value.detail
    assert caught.value.exit_code == 4
    assert (sandbox.tip(bare, "main"), sandbox.tip(repo)) == (tip, ours)


def test_of_a_push_only_the_servers_words_are_passed_on(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    sandbox.hook(bare, "post-receive", "echo Open a pull request here.")
    lines: list[str] = []
    GitRepo().push_branch(
        str(repo), "origin", commit=record(repo), branch="main", reapply=True,
        on_line=lines.append, scope=Scope(60),
    )  # fmt: skip
    assert [line.rstrip() for line in lines] == ["remote: Open a pull request here."]


def test_a_remote_that_is_gone_is_told(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    bare.rename(sandbox.folder / "elsewhere")
    with pytest.raises(GitUnusable, match="git push failed") as caught:
        push(repo, record(repo))
    assert "Check the URL" in caught.value.hint
    assert caught.value.exit_code == 4


def test_a_remote_that_is_not_configured_is_told_with_the_near_one(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    with pytest.raises(GitUnusable, match='no git remote "origin"') as caught:
        push(repo, sandbox.tip(repo))
    assert caught.value.hint == "git remote add origin URL"
    sandbox.remote_of(repo)
    with pytest.raises(GitUnusable) as caught:
        push(repo, sandbox.tip(repo), remote="orign")
    assert caught.value.hint == "Did you mean `origin`?"


def test_a_server_that_hangs_is_the_servers_fault(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    sandbox.hook(bare, "pre-receive", "sleep 60")
    ours = record(repo)
    monkeypatch.setattr(git_remote, "PUSH_LIMIT", 0.5)
    with pytest.raises(GitUnusable, match=r"origin did not answer within 0\.5 s"):
        push(repo, ours)
    with pytest.raises(DeadlineExceeded):
        push(repo, ours, seconds=0.3)


def test_an_interrupted_push_ends_at_once(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    sandbox.hook(bare, "pre-receive", "echo waiting >&2; sleep 60")
    scope = Scope(60)
    with pytest.raises(Cancelled):
        GitRepo().push_branch(
            str(repo), "origin", commit=record(repo), branch="main", reapply=True,
            on_line=lambda line: scope.cancel() if "waiting" in line else None, scope=scope,
        )  # fmt: skip


def test_names_like_options_never_reach_git(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.remote_of(repo)
    with pytest.raises(GitUnusable, match="begins with -"):
        push(repo, "HEAD", "--upload-pack=x")
    with pytest.raises(GitUnusable, match="no git remote"):
        push(repo, "HEAD", remote="--receive-pack=touch x")


def test_tags_are_pushed_once_and_never_moved(sandbox: Sandbox) -> None:
    repo, git = sandbox.repo(), GitRepo()
    bare = sandbox.remote_of(repo)
    tip = sandbox.tip(repo)

    def push_tag() -> None:
        git.push_tag(str(repo), "origin", "r/1", on_line=lambda line: None, scope=Scope(60))

    git.tag(str(repo), "r/1", tip, "Release")
    push_tag()
    push_tag()
    assert sandbox.tip(bare, "r/1^{commit}") == tip
    git.delete_tag(str(repo), "r/1")
    git.tag(str(repo), "r/1", tip, "Another release")
    with pytest.raises(GitRejected, match=r"origin refuses tag r/1: already exists"):
        push_tag()


def test_credentials_in_a_remote_show_up_nowhere(sandbox: Sandbox) -> None:
    repo = sandbox.repo()
    sandbox.git(repo, "remote", "add", "origin", "http://me:s3cret@127.0.0.1:9/a.git")
    lines: list[str] = []
    with pytest.raises(GitUnusable) as caught:
        GitRepo().push_branch(
            str(repo), "origin", commit=sandbox.tip(repo), branch="main", reapply=True,
            on_line=lines.append, scope=Scope(60),
        )  # fmt: skip
    shown = f"{caught.value.message} {caught.value.hint} {caught.value.detail} {lines}"
    assert "127.0.0.1" in shown
    assert "s3cret" not in shown
