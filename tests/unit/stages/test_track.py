from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.artifacts import GitRecord
from pipeline.errors import GitRejected, GitUnusable
from pipeline.kit.local_tags import LOCAL_TAG
from pipeline.kit.sweep import TEMPORARY_TAG
from stages.track import TrackOptions, TrackStage
from tests.support.git_stages import DIGEST, GitStages
from tests.unit.git_sandbox import Sandbox


@pytest.fixture
def app(sandbox: Sandbox) -> Path:
    """An app for which a Dockerfile has just been generated."""
    repo = sandbox.repo()
    sandbox.write(repo / "Dockerfile", "FROM busybox\n")
    sandbox.write(repo / ".dockerignore", ".git\n")
    return repo


@pytest.fixture
def world(app: Path, tmp_path: Path) -> GitStages:
    return GitStages(app, tmp_path / "state")


# the commit


def test_only_the_files_of_ours_are_committed(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.write(app / "app.py", "changed")
    sandbox.write(app / "staged.py", "")
    sandbox.git(app, "add", "staged.py")
    sandbox.write(app / "pipeline.lock", "{}\n")
    source = world.code()
    record = world.track(source)
    assert (record.created, record.branch, record.pushed) == (True, "main", False)
    assert record.commit == sandbox.tip(app)
    shown = sandbox.git(app, "show", "--name-only", "--format=%B", "HEAD")
    assert shown == (
        "Track Dockerfile, pipeline.lock and .dockerignore of hello\n\n"
        "Dockcycle-Run: 20261124T020433-3f9a\n"
        f"Dockcycle-Image: 127.0.0.1:5000/hello@{DIGEST}\n\n\n"
        ".dockerignore\nDockerfile\npipeline.lock"
    )
    assert sandbox.git(app, "status", "--porcelain") == " M app.py\nA  staged.py"
    assert [kind for kind, _ in world.recorded.journal.done] == ["commit"]


def test_a_second_time_there_is_nothing_to_do(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    stage = TrackStage(TrackOptions())
    first = world.context(*world.evidence(world.code()))
    made = stage.run(first)
    second = world.context(*world.evidence(world.code()))
    assert stage.fingerprint(second) == stage.fingerprint(first)
    assert stage.still_valid(second, made)
    (again,) = stage.run(second)
    assert isinstance(again, GitRecord)
    assert (again.commit, again.created) == (sandbox.tip(app), False)
    assert len(world.recorded.journal.done) == 1
    sandbox.git(app, "reset", "-q", "--hard", "HEAD~1")
    sandbox.write(app / "Dockerfile", "FROM busybox\n")
    sandbox.write(app / ".dockerignore", ".git\n")
    assert not stage.still_valid(world.context(*world.evidence(world.code())), made)


def test_a_dockerfile_of_the_users_own_is_committed_as_it_was_built(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    evidence = world.evidence(world.code(), written=())
    sandbox.write(app / "Dockerfile", "FROM edited-meanwhile\n")
    TrackStage(TrackOptions()).run(world.context(*evidence))
    assert sandbox.git(app, "show", "HEAD:Dockerfile") == "FROM busybox"
    assert sandbox.git(app, "status", "--porcelain") == " M Dockerfile"


def test_windows_line_ends_are_no_change(sandbox: Sandbox, app: Path, world: GitStages) -> None:
    (app / "Dockerfile").write_bytes(b"FROM busybox\r\nCMD true\r\n")
    tip = sandbox.commit(app, "By hand")
    record = world.track(world.code())
    assert (record.commit, record.created) == (tip, False)


def test_an_app_in_a_folder_is_tracked_in_its_repository(
    sandbox: Sandbox, app: Path, tmp_path: Path
) -> None:
    project = app / "deploy"
    sandbox.write(app / "web" / "app.py", "x")
    sandbox.write(project / "pipeline.lock", "{}\n")
    sandbox.write(app / "web" / "Dockerfile", "FROM busybox\n")
    world = GitStages(project, tmp_path / "state")
    source = world.code(path="../web")
    evidence = world.evidence(source, written=["Dockerfile"])
    TrackStage(TrackOptions(message="Ours")).run(world.context(*evidence))
    shown = sandbox.git(app, "show", "--name-only", "--format=%s", "HEAD")
    assert shown == "Ours\n\ndeploy/pipeline.lock\nweb/Dockerfile"


def test_staged_changes_on_the_path_and_ignored_files_are_told(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.write(app / ".gitignore", ".dockerignore\n")
    sandbox.write(app / "Dockerfile", "FROM mine\n")
    sandbox.git(app, "add", "Dockerfile")
    sandbox.write(app / "Dockerfile", "FROM busybox\n")
    world.track(world.code())
    assert world.notices() == [
        "Dockerfile has staged changes of yours: they stay staged, and are not in the commit",
        ".dockerignore is ignored by git, so it is not committed",
    ]


def test_outside_git_it_passes_with_a_word(sandbox: Sandbox, tmp_path: Path) -> None:
    plain = sandbox.folder / "plain"
    sandbox.write(plain / "Dockerfile", "FROM busybox\n")
    world = GitStages(plain, tmp_path / "state")
    source = world.code()
    record = world.track(source, tag=True)
    assert record == GitRecord()
    assert record.summary() == "nothing to track"
    assert "no git repository" in world.notices()[0]
    stage = TrackStage(TrackOptions())
    assert stage.still_valid(world.context(*world.evidence(source)), [record])


def test_before_the_first_commit_of_the_user_there_is_none_of_ours(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    empty = sandbox.repo("empty", commit=False)
    sandbox.write(empty / "Dockerfile", "FROM busybox\n")
    world = GitStages(empty, tmp_path / "state")
    assert world.track(world.code()).commit is None
    assert "nothing is committed here yet" in world.notices()[0]


def test_detached_without_push_the_commit_is_on_head(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.git(app, "checkout", "-q", "--detach")
    record = world.track(world.code())
    assert (record.branch, record.commit) == (None, sandbox.tip(app))
    assert sandbox.tip(app, "main") == sandbox.tip(app, "HEAD~1")


# the push


def test_the_branch_is_pushed_with_what_is_below(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    bare = sandbox.remote_of(app)
    sandbox.git(app, "commit", "-q", "--allow-empty", "-m", "Mine")
    record = world.track(world.code(), push=True)
    assert (record.remote, record.url, record.pushed) == ("origin", str(bare), True)
    assert record.commit == sandbox.tip(bare, "main")
    assert world.notices() == ["a commit of yours that origin lacks will be pushed to main too"]
    assert record.summary() == f"committed {str(record.commit)[:12]}, pushed to origin"
    again = world.track(world.code(), push=True)
    assert (again.created, again.pushed) == (False, False)


def test_commits_of_the_user_alone_are_not_pushed(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.git(app, "add", "-A")
    sandbox.git(app, "commit", "-q", "-m", "All by hand")
    bare = sandbox.remote_of(app)
    pushed = sandbox.tip(bare, "main")
    sandbox.git(app, "commit", "-q", "--allow-empty", "-m", "Not yet to be seen")
    assert not world.track(world.code(), push="origin").pushed
    assert sandbox.tip(bare, "main") == pushed


def test_a_commit_that_could_not_be_pushed_is_pushed_by_the_next_run(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    bare = sandbox.remote_of(app)
    sandbox.hook(bare, "pre-receive", "echo frozen >&2; exit 1")
    with pytest.raises(GitRejected) as caught:
        world.track(world.code(), push="origin", tag=True)
    assert caught.value.detail == "frozen"
    ours = sandbox.tip(app)
    assert sandbox.git(app, "tag") == "", "the tag waits for the push"
    TrackStage(TrackOptions(push="origin")).cleanup(world.context())
    assert sandbox.tip(app) == ours
    (bare / "hooks" / "pre-receive").unlink()
    record = world.track(world.code(), push="origin")
    assert (record.created, record.pushed, sandbox.tip(bare, "main")) == (False, True, ours)


def test_when_the_remote_has_moved_on_the_record_is_what_is_there(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    bare = sandbox.remote_of(app)
    colleague = sandbox.clone(bare, "colleague")
    sandbox.commit(colleague, "Theirs")
    sandbox.git(colleague, "push", "-q")
    record = world.track(world.code(), push="origin", tag=True)
    assert record.commit == sandbox.tip(bare, "main") != sandbox.tip(app)
    assert sandbox.tip(bare, f"{record.tag}^{{commit}}") == record.commit
    assert "had moved on" in world.notices()[0]


@pytest.mark.parametrize(
    ("prepare", "options", "fault"),
    [
        (lambda s, a: None, {"push": "origin"}, 'no git remote "origin"'),
        (lambda s, a: (s.remote_of(a), s.git(a, "checkout", "-q", "--detach")), {"push": "origin"},
         "no branch is checked out"),
        (lambda s, a: None, {"tag": "v{version}"}, r"no release tag .*: \{version\} has no value"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_told_before_anything_is_done(
    sandbox: Sandbox, app: Path, world: GitStages, prepare: Callable[[Sandbox, Path], object],
    options: dict[str, Any], fault: str,
) -> None:  # fmt: skip
    prepare(sandbox, app)
    tip = sandbox.tip(app)
    with pytest.raises(GitUnusable, match=fault):
        world.track(world.code(), **options)
    assert sandbox.tip(app) == tip
    assert world.recorded.journal.begun == []


def test_detached_with_a_branch_named_it_is_pushed_there(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    bare = sandbox.remote_of(app)
    sandbox.git(app, "checkout", "-q", "--detach")
    sandbox.git(app, "branch", "-q", "-D", "main")
    record = world.track(world.code(), push="origin", branch="main")
    assert record.commit == sandbox.tip(bare, "main")
    assert record.branch == "main"


# pull requests


def test_a_pull_request_is_a_branch_of_its_own(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    bare = sandbox.remote_of(app)
    main = sandbox.tip(app)
    state = sandbox.state(app)
    stage = TrackStage(TrackOptions(push="origin", pull_request=True))
    record = world.track(world.code(), push="origin", pull_request=True)
    assert str(record.branch).startswith("dockcycle/hello/")
    assert sandbox.tip(bare, str(record.branch)) == record.commit
    assert sandbox.tip(bare, "main") == sandbox.tip(app) == main
    assert sandbox.state(app) == state
    assert stage.still_valid(world.context(*world.evidence(world.code())), [record])
    again = world.track(world.code(), push="origin", pull_request=True)
    assert (again.branch, again.commit, again.pushed) == (record.branch, record.commit, False)


def test_once_merged_there_is_nothing_to_ask_for(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    bare = sandbox.remote_of(app)
    world.track(world.code())
    record = world.track(world.code(), push="origin", pull_request=True, tag=True)
    assert (record.branch, record.created) == ("main", False)
    assert sandbox.git(bare, "branch", "--format=%(refname:short)") == "main"
    assert sandbox.tip(bare, "main") == sandbox.tip(app, "HEAD~1"), "main is left alone"
    assert sandbox.tip(bare, f"{record.tag}^{{commit}}") == sandbox.tip(app)


# tags


def test_a_release_is_tagged_once(sandbox: Sandbox, app: Path, world: GitStages) -> None:
    bare = sandbox.remote_of(app)
    source = world.code()
    record = world.track(source, tag=True, push="origin")
    day = source.committed[:10].replace("-", "")
    assert record.tag == f"dockcycle/hello/{day}-{str(source.commit)[:8]}-5e6f7a8b"
    assert sandbox.tip(bare, f"{record.tag}^{{commit}}") == record.commit
    text = sandbox.git(app, "for-each-ref", "--format=%(contents)", f"refs/tags/{record.tag}")
    assert text.rstrip() == (
        f"hello: {source.short} Start\n\nDockcycle-Run: 20261124T020433-3f9a\n"
        f"Dockcycle-Image: 127.0.0.1:5000/hello@{DIGEST}"
    )
    assert world.track(world.code(), tag=True, push="origin").tag == record.tag
    later = sandbox.git(app, "commit", "-q", "--allow-empty", "-m", "Later")
    assert later == ""
    assert world.track(source, tag=True).tag == record.tag, "the same commit and image"


def test_recovery_cannot_take_a_git_tag_for_an_image_tag(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.remote_of(app)
    world.track(world.code(), tag=True, push=True)
    kinds = [kind for kind, _ in world.recorded.journal.done]
    assert kinds == ["commit", "push", "git-tag", "push"]
    assert not {LOCAL_TAG, TEMPORARY_TAG} & {*kinds}


def test_a_pattern_of_the_users_own(sandbox: Sandbox, app: Path, world: GitStages) -> None:
    world.peers = {"track": TrackOptions()}
    sandbox.git(app, "tag", "v1.2.3")
    record = world.track(world.code(), tag="release/{project}-{version}")
    assert record.tag == "release/hello-1.2.3"
    sandbox.write(app / "Dockerfile", "FROM other\n")
    with pytest.raises(GitUnusable, match="exists already, on another commit"):
        world.track(world.code(), tag="release/{project}-{version}")


def test_the_tag_of_code_that_is_not_committed_says_so(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.write(app / "app.py", "changed")
    assert str(world.track(world.code(), tag=True).tag).endswith("-5e6f7a8b-dirty")


def test_a_tag_that_was_deleted_is_made_again(
    app: Path, sandbox: Sandbox, world: GitStages
) -> None:
    stage = TrackStage(TrackOptions(tag=True))
    made = stage.run(world.context(*world.evidence(world.code())))
    context = world.context(*world.evidence(world.code()))
    assert stage.still_valid(context, made)
    sandbox.git(app, "tag", "-d", sandbox.git(app, "tag"))
    assert not stage.still_valid(context, made)


# code that is not the user's work tree


def test_after_an_export_the_work_tree_gets_the_files_too(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    for name in ("Dockerfile", ".dockerignore"):
        (app / name).unlink()
    source = world.code(clean=True)
    sandbox.write(Path(source.path) / "Dockerfile", "FROM busybox\n")
    sandbox.write(Path(source.path) / ".dockerignore", ".git\n")
    record = world.track(source)
    assert record.commit == sandbox.tip(app)
    assert (app / "Dockerfile").read_text() == "FROM busybox\n"
    assert sandbox.git(app, "status", "--porcelain") == ""


def test_after_an_export_what_the_user_has_changed_stays(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    source = world.code(clean=True)
    sandbox.write(app / "Dockerfile", "FROM mine\n")
    sandbox.write(Path(source.path) / "Dockerfile", "FROM busybox\n")
    world.track(source)
    assert (app / "Dockerfile").read_text() == "FROM mine\n"
    assert sandbox.git(app, "show", "HEAD:Dockerfile") == "FROM busybox"


def test_a_commit_in_a_checkout_of_ours_is_pushed_or_told_to_be_lost(
    sandbox: Sandbox, app: Path, tmp_path: Path
) -> None:
    for name in ("Dockerfile", ".dockerignore"):
        (app / name).unlink()
    bare = sandbox.remote_of(app)
    project = sandbox.folder / "project"
    project.mkdir()
    world = GitStages(project, tmp_path / "state")
    source = world.code(git=bare.as_uri())
    sandbox.write(Path(source.path) / "Dockerfile", "FROM busybox\n")
    world.track(source)
    assert "only in dockcycle's own checkout" in world.notices()[0]
    source = world.code(git=bare.as_uri())
    sandbox.write(Path(source.path) / "Dockerfile", "FROM busybox\n")
    assert world.track(source, push="origin").commit == sandbox.tip(bare, "main")


# options


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"push": "--receive-pack=x"}, "no name of a git remote: it begins with -"),
        ({"push": "https://me:pw@host/a"}, '"https://host/a" is no name of a git remote'),
        ({"branch": "--upload-pack=x"}, "begins with -"),
        ({"tag": "v{versoin}"}, r"\{versoin\} is not known in a tag. Did you mean `version`"),
        ({"tag": "a..b"}, "no name that git takes"),
        ({"tag": "v{version"}, "brace"),
        ({"pull_request": True}, "`pull_request:` needs `push:`"),
        ({"pull_request": True, "push": "origin", "branch": "x"}, "`branch:` says nothing"),
    ],
)
def test_options_that_cannot_be_meant(options: dict[str, object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        TrackOptions.model_validate(options)


def test_push_true_means_origin() -> None:
    assert TrackOptions(push=True).remote == "origin"
    assert TrackOptions(push="upstream").remote == "upstream"
    assert TrackOptions().remote is None
