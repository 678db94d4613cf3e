from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.adapters.fake_engine import FakeEngine, Program
from pipeline.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    GitUnusable,
    StageFailed,
    UsageError,
)
from pipeline.events import CheckFinished, StageLog
from pipeline.kit.content import EVIDENCE
from pipeline.ports.engine import BuildListener, BuildRequest, ImageInfo
from pipeline.scope import Scope
from pipeline.stage import StageOptions
from stages.build import BuildOptions
from stages.code import CodeOptions
from tests.support.git_stages import GitStages, code_stage
from tests.unit.git_sandbox import USER, Sandbox


class Peer(StageOptions):
    path: str | None = None
    context: str | None = None


class WatchedEngine(FakeEngine):
    """Keeps what it was asked to build, and which files were in the context then."""

    def __init__(self, program: Program | None = None, user: str = "") -> None:
        super().__init__()
        self.behave(program or Program(exits=0))
        self.requests: list[tuple[BuildRequest, list[str]]] = []
        self.user = user

    def build(self, request: BuildRequest, listener: BuildListener, scope: Scope) -> ImageInfo:
        context = Path(request.context)
        files = sorted(str(p.relative_to(context)) for p in context.rglob("*") if p.is_file())
        self.requests.append((request, files))
        listener.line("step", "a line of the build")
        return super().build(request, listener, scope).model_copy(update={"user": self.user})


@pytest.fixture
def app(sandbox: Sandbox) -> Path:
    return sandbox.repo()


@pytest.fixture
def world(sandbox: Sandbox, app: Path, tmp_path: Path) -> GitStages:
    return GitStages(app, tmp_path / "state")


# taking the code


def test_a_work_tree_is_taken_as_it_is(sandbox: Sandbox, app: Path, world: GitStages) -> None:
    sandbox.git(app, "tag", "v1.2.3")
    sandbox.git(app, "remote", "add", "origin", "https://me:s3cret@host/a.git")
    source = world.code()
    assert (source.path, source.root, source.repository) == (str(app), str(app), str(app))
    assert (source.commit, source.branch) == (sandbox.tip(app), "main")
    assert (source.subject, source.author, source.dirty) == ("Start", USER[0], False)
    assert (source.remote, source.versions) == ("https://host/a.git", ("1.2.3",))
    assert not source.managed
    assert source.summary() == f"{source.short} on main"


def test_a_folder_outside_git_is_taken_too(sandbox: Sandbox, tmp_path: Path) -> None:
    plain = sandbox.folder / "plain"
    sandbox.write(plain / "app.py", "x")
    source = GitStages(plain, tmp_path / "state").code()
    assert (source.root, source.repository, source.commit) == (str(plain), None, None)
    assert source.summary() == f"content {source.content[:12]}"


def test_the_app_may_be_a_folder_of_the_repository(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.write(app / "web" / "app.py", "x")
    sandbox.commit(app, "Web")
    source = world.code(path="web")
    assert (source.path, source.root) == (str(app / "web"), str(app))
    before = source.content
    sandbox.write(app / "other.py", "outside of the app")
    assert world.code(path="web").content == before


def test_a_missing_folder_is_a_mistake_in_the_file(world: GitStages) -> None:
    with pytest.raises(UsageError, match="wbe, does not exist"):
        world.code(path="wbe")
    with pytest.raises(UsageError, match=r"app\.py, does not exist \(a file\)"):
        world.code(path="app.py")


def test_content_follows_what_the_build_sees(sandbox: Sandbox, app: Path, world: GitStages) -> None:
    before = world.code().content
    for name in ("__pycache__/a.pyc", ".env", "Dockerfile", "pipeline.yml"):
        sandbox.write(app / name, "not seen, or evidence of its own")
    assert world.code().content == before
    sandbox.write(app / "new.py", "seen although git does not know it")
    assert world.code().content != before


def test_a_file_that_git_ignores_but_the_build_sees_counts(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.write(app / ".gitignore", "dist\n")
    sandbox.commit(app, "Ignore")
    before = world.code().content
    sandbox.write(app / "dist" / "bundle.js", "built before")
    assert world.code().content != before


def test_a_link_out_of_the_context_is_refused_before_any_check_runs(
    app: Path, world: GitStages
) -> None:
    (app / "leak").symlink_to("/etc/passwd")
    with pytest.raises(StageFailed, match="the link leak leads out"):
        world.checked("touch ran")
    assert not (app / "ran").exists()


def test_a_branch_that_looks_like_an_option_stops_everything(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.git(app, "update-ref", "refs/heads/--upload-pack=x", "HEAD")
    sandbox.git(app, "symbolic-ref", "HEAD", "refs/heads/--upload-pack=x")
    with pytest.raises(GitUnusable, match="--upload-pack=x"):
        world.checked("touch ran")
    assert not (app / "ran").exists()
    assert code_stage().fingerprint(world.context()) is None


# dirty


@pytest.mark.parametrize("name", [name for name in EVIDENCE if "*" not in name])
def test_a_new_file_that_is_evidence_does_not_make_it_dirty(
    sandbox: Sandbox, app: Path, world: GitStages, name: str
) -> None:
    sandbox.write(app / name, "generated")
    assert not world.code().dirty


def test_a_changed_dockerfile_is_dirty_unless_it_is_going_to_be_committed(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.write(app / "Dockerfile", "FROM a\n")
    sandbox.commit(app, "Dockerfile")
    sandbox.write(app / "Dockerfile", "FROM b\n")
    assert world.code().dirty
    world.peers = {"track": Peer()}
    assert not world.code().dirty


@pytest.mark.parametrize("name", ["app.py", "new.py"])
def test_code_that_differs_from_the_commit_is_dirty(
    sandbox: Sandbox, app: Path, world: GitStages, name: str
) -> None:
    sandbox.write(app / name, "changed")
    assert world.code().dirty


def test_our_own_records_are_not_the_commit_that_is_shipped(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    before = world.code()
    stage = code_stage()
    planned = stage.fingerprint(world.context())
    sandbox.write(app / "Dockerfile", "FROM a\n")
    sandbox.commit(app, "Track\n\nDockcycle-Run: r")
    assert world.code() == before
    assert stage.fingerprint(world.context()) == planned


# checkouts and exports


def test_a_checkout_is_made_of_another_repository(
    sandbox: Sandbox, app: Path, tmp_path: Path
) -> None:
    project = sandbox.folder / "project"
    project.mkdir()
    world = GitStages(project, tmp_path / "state")
    sandbox.write(app / "web" / "app.py", "x")
    tip = sandbox.commit(app, "Web")
    source = world.code(git=app.as_uri(), path="web")
    target = tmp_path / "state" / "checkout"
    assert (source.path, source.root) == (str(target / "web"), str(target))
    assert (source.commit, source.branch, source.managed) == (tip, "main", True)
    assert source.remote == app.as_uri()
    assert ("checkout", str(target)) in world.recorded.journal.done


def test_a_path_to_a_repository_starts_at_the_pipeline_file(
    sandbox: Sandbox, app: Path, tmp_path: Path
) -> None:
    project = sandbox.folder / "project"
    project.mkdir()
    assert GitStages(project, tmp_path / "state").code(git="../app").commit == sandbox.tip(app)


def test_credentials_of_a_checkout_are_told_nowhere(sandbox: Sandbox, world: GitStages) -> None:
    world.secrets = {"TOKEN": "s3cret"}
    stage = code_stage(git="http://me:{secret:TOKEN}@127.0.0.1:9/a")
    with pytest.raises(GitUnusable) as caught:
        stage.run(world.context())
    error = caught.value
    assert "s3cret" not in f"{error.message}{error.hint}{error.detail}{world.recorded}"


def test_a_checkout_is_up_to_date_until_its_remote_moves(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    stage = code_stage(git=app.as_uri(), ref="main")
    first = stage.fingerprint(world.context())
    made = stage.run(world.context())
    assert stage.fingerprint(world.context()) == first
    assert stage.still_valid(world.context(), made)
    sandbox.write(world.state / "checkout" / "app.py", "somebody was here")
    assert not stage.still_valid(world.context(), made)
    (world.state / "checkout" / ".git" / "HEAD").write_text("broken")
    assert not stage.still_valid(world.context(), made)
    sandbox.commit(app, "Next")
    assert stage.fingerprint(world.context()) != first


def test_clean_takes_what_is_committed(sandbox: Sandbox, app: Path, world: GitStages) -> None:
    sandbox.write(app / "web" / "app.py", "committed")
    tip = sandbox.commit(app, "Web")
    sandbox.write(app / "web" / "app.py", "not committed")
    sandbox.write(app / "web" / "new.py", "")
    stage = code_stage(path="web", clean=True)
    planned = stage.fingerprint(world.context())
    made = stage.run(world.context())
    source = made[0]
    export = world.state / "export"
    assert source.model_dump(include={"path", "root", "repository", "commit", "dirty"}) == {
        "path": str(export / "web"), "root": str(export), "repository": str(app), "commit": tip,
        "dirty": False,
    }  # fmt: skip
    assert [path.name for path in (export / "web").iterdir()] == ["app.py"]
    assert (export / "web" / "app.py").read_text() == "committed"
    assert stage.still_valid(world.context(), made)
    assert stage.fingerprint(world.context()) == planned
    (export / "web" / "app.py").write_text("half of another run")
    assert not stage.still_valid(world.context(), made)


def test_clean_needs_a_commit(sandbox: Sandbox, tmp_path: Path) -> None:
    plain = sandbox.folder / "plain"
    plain.mkdir()
    with pytest.raises(UsageError, match="in no git repository"):
        GitStages(plain, tmp_path / "state").code(clean=True)
    with pytest.raises(GitUnusable, match="nothing is committed"):
        GitStages(sandbox.repo("empty", commit=False), tmp_path / "state").code(clean=True)
    empty = sandbox.repo("other")
    (empty / "web").mkdir()
    with pytest.raises(UsageError, match=r"web \(as committed\), does not exist"):
        GitStages(empty, tmp_path / "state").code(clean=True, path="web")


# checks


def test_checks_run_in_the_apps_folder_and_are_reported(app: Path, world: GitStages) -> None:
    _, report = world.checked(
        "echo first; cat app.py",
        {"name": "second", "run": "echo $GREETING", "env": {"GREETING": 1}},
    )
    first, second = report.checks
    assert (first.name, first.where, first.exit_code) == ("echo first; cat app.py", "host", 0)
    assert first.output == "first\nprint('hi')"
    assert (second.name, second.command, second.output) == ("second", "echo $GREETING", "1")
    lines = [(event.step, event.line) for event in world.recorded.of(StageLog)]
    assert lines[0] == ("echo first; cat app.py", "first")
    told = world.recorded.of(CheckFinished)
    assert [(event.check, event.passed) for event in told] == [(first.name, True), ("second", True)]


def test_a_failing_check_ends_the_stage_with_its_output(app: Path, world: GitStages) -> None:
    noise = "for i in $(seq 200); do echo line $i; done; echo the cause >&2; exit 7"
    with pytest.raises(StageFailed, match="the check tests failed with exit code 7") as caught:
        world.checked({"name": "tests", "run": noise}, "touch never")
    assert caught.value.detail.endswith("line 200\nthe cause")
    assert len(caught.value.detail.splitlines()) == 50
    assert not (app / "never").exists()
    (told,) = world.recorded.of(CheckFinished)
    assert (told.passed, told.message) == (False, "exit code 7")


def test_a_command_that_is_not_there_is_explained(world: GitStages) -> None:
    with pytest.raises(StageFailed, match="exit code 127") as caught:
        world.checked("no-such-command-at-all")
    assert "run the check in an image" in caught.value.hint


def test_a_check_killed_by_a_signal_says_which(world: GitStages) -> None:
    with pytest.raises(StageFailed, match="was killed by signal 9"):
        world.checked("kill -9 $$")


def test_a_check_that_takes_too_long_is_ended_with_what_it_said(world: GitStages) -> None:
    with pytest.raises(DeadlineExceeded, match=r"the check slow .* limit of 0\.3 s") as caught:
        world.checked({"name": "slow", "run": "echo started; sleep 60", "timeout": "300ms"})
    assert caught.value.detail == "started"
    (told,) = world.recorded.of(CheckFinished)
    assert (told.passed, told.message) == (False, "too slow")


def test_secrets_reach_a_check_but_not_the_report(world: GitStages) -> None:
    world.secrets = {"TOKEN": "s3cret"}
    _, report = world.checked({"run": "test ${#TOKEN} = 6", "env": {"TOKEN": "{secret:TOKEN}"}})
    assert "s3cret" not in report.model_dump_json()


def test_what_a_check_changes_is_what_is_built(sandbox: Sandbox, world: GitStages) -> None:
    before = world.code().content
    stage = code_stage("echo generated > made.py")
    source = stage.run(world.context())[0]
    assert source.model_dump()["content"] != before
    planned = stage.fingerprint(world.context())
    stage.run(world.context())
    assert stage.fingerprint(world.context()) == planned


# checks in containers


def test_a_check_in_an_image_has_the_source_in_it(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.write(app / ".gitignore", "ignored\n")
    sandbox.write(app / ".dockerignore", "tests\n")
    for name in ("tests/test_app.py", "new.py", "ignored", ".env"):
        sandbox.write(app / name, "x")
    engine = world.engine = WatchedEngine(Program(log=("1 passed",), exits=0))
    _, report = world.checked({"run": "pytest", "in": "python:3.11-slim", "env": {"A": "b"}})
    (check,) = report.checks
    assert (check.where, check.exit_code, check.output) == ("python:3.11-slim", 0, "1 passed")
    ((request, files),) = engine.requests
    assert request.dockerfile_text == "FROM python:3.11-slim\nCOPY . /work\nWORKDIR /work\n"
    assert files == [".dockerignore", ".env", ".gitignore", "app.py", "new.py", "tests/test_app.py"]
    assert request.ignore_text == ""
    assert request.labels["dockcycle.role"] == "check"
    assert not (world.state / "check-context").exists()
    assert (engine.images({}), engine.containers({})) == ([], [])


def test_outside_git_secrets_and_caches_stay_out(sandbox: Sandbox, tmp_path: Path) -> None:
    plain = sandbox.folder / "plain"
    for name in ("app.py", ".env", "__pycache__/a.pyc", "tests/t.py"):
        sandbox.write(plain / name, "x")
    world = GitStages(plain, tmp_path / "state")
    engine = world.engine = WatchedEngine()
    world.checked({"run": "pytest", "in": "python:3"})
    assert engine.requests[0][1] == ["app.py", "tests/t.py"]


def test_links_and_repositories_inside_come_along(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    inner = sandbox.repo("inner")
    sandbox.git(app, "submodule", "--quiet", "add", inner.as_uri(), "inner")
    (app / "link.py").symlink_to("app.py")
    engine = world.engine = WatchedEngine()
    world.checked({"run": "pytest", "in": "python:3"})
    assert engine.requests[0][1] == [".gitmodules", "app.py", "inner/app.py", "link.py"]


def test_an_image_that_runs_as_a_user_gets_files_that_are_the_users(world: GitStages) -> None:
    engine = world.engine = WatchedEngine(user="node")
    world.checked({"run": "npm test", "in": "node:22"})
    texts = [request.dockerfile_text for request, _ in engine.requests]
    assert texts[1] == "FROM node:22\nCOPY --chown=node . /work\nWORKDIR /work\n"


def test_a_check_in_a_target_uses_the_users_own_recipe(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    recipe = "FROM busybox AS base\nCOPY . /app\nFROM base AS Test\nWORKDIR /app\n"
    sandbox.write(app / "docker" / "Dockerfile", recipe)
    world.secrets = {"TOKEN": "s3cret"}
    build = BuildOptions.model_validate({"args": {"A": 1}, "secrets": ["TOKEN"], "target": "base"})
    world.peers = {"dockerfile": Peer(path="docker/Dockerfile"), "build": build}
    engine = world.engine = WatchedEngine()
    world.checked({"run": "make test", "in": "test"}, {"run": "make lint", "in": "test"})
    ((request, _),) = engine.requests
    assert (request.target, request.dockerfile_text, request.context) == ("test", recipe, str(app))
    assert (request.args, request.secrets) == ({"A": "1"}, {"TOKEN": "s3cret"})
    assert request.labels["dockcycle.role"] == "check"


def test_neither_image_nor_target_is_told_with_the_near_one(
    sandbox: Sandbox, app: Path, world: GitStages
) -> None:
    sandbox.write(app / "Dockerfile", "FROM busybox AS test\n")
    with pytest.raises(StageFailed, match="`in: tset` names no build target") as caught:
        world.checked({"run": "true", "in": "tset"})
    assert caught.value.hint == (
        "Did you mean `test`? For an image give its tag too: `in: tset:latest`."
    )


def test_a_failing_check_in_a_container_leaves_nothing(world: GitStages) -> None:
    engine = world.engine = WatchedEngine(Program(log=("E assert",), exits=1))
    with pytest.raises(StageFailed, match="exit code 1") as caught:
        world.checked({"run": "pytest", "in": "python:3"})
    assert caught.value.detail == "E assert"
    assert (engine.images({}), engine.containers({})) == ([], [])


def test_an_engine_that_is_gone_does_not_hide_the_failure(world: GitStages) -> None:
    engine = world.engine = WatchedEngine(Program(exits=1))
    engine.fail("remove_image", EngineUnavailable("gone"))
    stage = code_stage({"run": "pytest", "in": "python:3"})
    with pytest.raises(StageFailed, match="exit code 1"):
        stage.run(world.context())
    assert len(engine.images({})) == 1
    stage.cleanup(world.context())
    assert engine.images({}) == []


def test_cleanup_needs_no_engine_when_no_check_does(world: GitStages) -> None:
    world.engine = FakeEngine(unavailable=True)
    code_stage("true").cleanup(world.context())


# options


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"git": "ext::sh -c x"}, "helper program"),
        ({"git": "a", "ref": "--upload-pack=x"}, "begins with -"),
        ({"ref": "main"}, "`ref:` says something about `git:`"),
        ({"depth": 1}, "`depth:` says something about `git:`"),
        ({"git": "a", "depth": 0}, "greater than or equal to 1"),
        ({"git": "a", "path": "../x"}, "leads out of the checkout"),
        ({"git": "a", "path": "/x"}, "leads out of the checkout"),
        ({"checks": [{"run": ""}]}, "at least 1 character"),
    ],
)
def test_options_that_cannot_be_meant(options: dict[str, object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        CodeOptions.model_validate(options)
