"""Checkouts and exports, from real repositories on this disk."""

from __future__ import annotations

import base64
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pipeline.adapters import git_command
from pipeline.adapters.git_repo import GitRepo
from pipeline.errors import Cancelled, GitUnusable
from pipeline.ports.repo import Head
from pipeline.scope import Scope
from tests.unit.git_sandbox import Sandbox

ABSENT = "0123456789" * 4


def clone(
    source: Path | str, target: Path, ref: str = "", *, depth: int | None = None,
    submodules: bool = False, scope: Scope | None = None,
) -> Head:  # fmt: skip
    url = source.as_uri() if isinstance(source, Path) else source
    return GitRepo().clone(
        url, ref, str(target), depth=depth, submodules=submodules, on_line=lambda line: None,
        scope=scope or Scope(60),
    )  # fmt: skip


@pytest.fixture
def origin(sandbox: Sandbox) -> Path:
    repo = sandbox.repo("origin")
    sandbox.git(repo, "tag", "-a", "-m", "One", "v1.0.0")
    sandbox.commit(repo, "Second")
    sandbox.git(repo, "checkout", "-q", "-b", "feature/x")
    sandbox.write(repo / "feature.py", "")
    sandbox.commit(repo, "Feature")
    sandbox.git(repo, "checkout", "-q", "main")
    return repo


@pytest.fixture
def target(sandbox: Sandbox) -> Path:
    return sandbox.folder / "state" / "check out"


@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize(
    ("ref", "branch", "at"),
    [
        ("", "main", "main"), ("main", "main", "main"), ("feature/x", "feature/x", "feature/x"),
        ("v1.0.0", None, "v1.0.0^{commit}"),
    ],
)  # fmt: skip
def test_branches_and_tags_are_checked_out(
    sandbox: Sandbox, origin: Path, target: Path, depth: int | None, ref: str, branch: str, at: str
) -> None:
    head = clone(origin, target, ref, depth=depth)
    assert (head.root, head.branch, head.commit) == (str(target), branch, sandbox.tip(origin, at))
    assert not head.dirty


@pytest.mark.parametrize("depth", [None, 1])
def test_a_commit_is_checked_out(
    sandbox: Sandbox, origin: Path, target: Path, depth: int | None
) -> None:
    wanted = sandbox.tip(origin, "main~1")
    head = clone(origin, target, wanted, depth=depth)
    assert (head.branch, head.commit) == (None, wanted)


def test_a_commit_that_no_branch_has_any_more_is_still_found(
    sandbox: Sandbox, origin: Path, target: Path
) -> None:
    lost = sandbox.commit(origin, "Lost")
    sandbox.git(origin, "reset", "-q", "--hard", "HEAD~1")
    assert clone(origin, target, lost).commit == lost


def test_versions_come_along(sandbox: Sandbox, origin: Path, target: Path) -> None:
    head = clone(origin, target, "v1.0.0", depth=1)
    assert GitRepo().versions(str(target), str(head.commit)) == ["1.0.0"]


def test_what_is_there_is_updated_and_cleaned(sandbox: Sandbox, origin: Path, target: Path) -> None:
    clone(origin, target, depth=1)
    sandbox.write(target / "app.py", "changed here")
    sandbox.write(target / "left" / "over", "")
    sandbox.write(target / ".gitignore", "left\n")
    sandbox.git(origin, "commit", "-q", "--amend", "--allow-empty", "-m", "Rewritten")
    sandbox.write(origin / "app.py", "new")
    tip = sandbox.commit(origin, "Third")
    head = clone(origin, target)
    assert (head.commit, head.dirty) == (tip, False)
    assert sorted(path.name for path in target.iterdir()) == [".git", "app.py"]
    assert (target / "app.py").read_text() == "new"


@pytest.mark.parametrize("damage", ["index.lock", "HEAD", "objects"])
def test_what_a_killed_run_left_broken_is_made_anew(
    sandbox: Sandbox, origin: Path, target: Path, damage: str
) -> None:
    clone(origin, target)
    place = target / ".git" / damage
    if damage == "objects":
        for path in [path for path in place.rglob("*") if path.is_file()]:
            path.unlink()
    else:
        place.write_text("")
    assert clone(origin, target).commit == sandbox.tip(origin)


def test_a_broken_checkout_never_reaches_a_repository_around_it(
    sandbox: Sandbox, origin: Path
) -> None:
    outer = sandbox.repo("outer")
    tip = sandbox.tip(outer)
    target = outer / "state"
    clone(origin, target)
    (target / ".git" / "HEAD").unlink()
    clone(origin, target, "feature/x")
    assert sandbox.tip(outer) == tip
    assert sandbox.git(outer, "branch", "--format=%(refname:short)") == "main"


def test_a_folder_with_something_else_in_it_is_emptied(
    sandbox: Sandbox, origin: Path, target: Path
) -> None:
    sandbox.write(target / "app.py", "not ours")
    assert clone(origin, target).commit == sandbox.tip(origin)
    assert (target / "app.py").read_text() == "print('hi')\n"


def test_a_remote_that_is_gone_leaves_the_checkout_alone(
    sandbox: Sandbox, origin: Path, target: Path
) -> None:
    clone(origin, target)
    with pytest.raises(GitUnusable, match="git ls-remote failed") as caught:
        clone(sandbox.folder / "gone", target)
    assert "Check the URL" in caught.value.hint
    assert (target / "app.py").exists()


def test_a_missing_ref_names_the_near_ones(origin: Path, target: Path) -> None:
    with pytest.raises(GitUnusable, match="has no branch or tag featur/x") as caught:
        clone(origin, target, "featur/x")
    assert "feature/x" in caught.value.hint
    with pytest.raises(GitUnusable):
        clone(origin, target, ABSENT)
    assert not (target / "app.py").exists()


def test_an_empty_repository_is_told(sandbox: Sandbox, target: Path) -> None:
    with pytest.raises(GitUnusable, match="has no default branch"):
        clone(sandbox.repo("empty.git", bare=True), target)


@pytest.mark.parametrize(
    ("url", "ref"),
    [
        ("--upload-pack=touch {witness}", ""),
        ("ext::sh -c 'touch {witness}'", ""),
        ("ssh://-oProxyCommand=touch {witness}/x", ""),
        ("{origin}", "--upload-pack=touch {witness}"),
        ("{origin}", "-x"),
        ("{origin}", "HEAD~1"),
    ],
)
def test_options_in_disguise_run_nothing(
    sandbox: Sandbox, origin: Path, target: Path, url: str, ref: str
) -> None:
    witness = sandbox.folder / "witness"
    with pytest.raises(GitUnusable):
        clone(
            url.format(witness=witness, origin=origin.as_uri()), target, ref.format(witness=witness)
        )
    assert not witness.exists()
    assert not target.exists()


def test_hooks_of_a_template_do_not_run(
    sandbox: Sandbox, origin: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness, template = sandbox.folder / "witness", sandbox.folder / "template"
    sandbox.write(template / "hooks" / "post-checkout", f"#!/bin/sh\ntouch '{witness}'\n")
    (template / "hooks" / "post-checkout").chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template))
    clone(origin, target)
    assert not witness.exists()


def test_submodules_only_on_request(sandbox: Sandbox, origin: Path, target: Path) -> None:
    inner = sandbox.repo("inner")
    sandbox.git(origin, "submodule", "--quiet", "add", inner.as_uri(), "inner")
    sandbox.commit(origin, "Submodule")
    clone(origin, target)
    assert list((target / "inner").iterdir()) == []
    clone(origin, target, submodules=True)
    assert (target / "inner" / "app.py").exists()


def test_credentials_are_kept_out_of_the_checkout_and_of_messages(
    sandbox: Sandbox, target: Path
) -> None:
    with pytest.raises(GitUnusable) as caught:
        clone("http://me:s3cret@127.0.0.1:9/a.git", target)
    assert "s3cret" not in f"{caught.value.message} {caught.value.detail}"
    assert not any(b"s3cret" in path.read_bytes() for path in target.rglob("*") if path.is_file())


class _AsksForPassword(BaseHTTPRequestHandler):
    """Refuses whoever says nothing, and remembers what the others said."""

    heard: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        said = self.headers.get("Authorization", "")
        self.send_response(404 if said else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.heard.append(said)

    def log_message(self, *args: Any) -> None:
        pass


def test_credentials_reach_the_server_though_no_command_line_has_them(
    sandbox: Sandbox, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[list[str]] = []
    real = git_command.argv

    def watched(*args: str, **more: Any) -> list[str]:
        lines.append(real(*args, **more))
        return lines[-1]

    monkeypatch.setattr(git_command, "argv", watched)
    sandbox.git(sandbox.folder, "config", "--global", "credential.helper", "!echo password=wrong")
    with ThreadingHTTPServer(("127.0.0.1", 0), _AsksForPassword) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(GitUnusable):
            clone(f"http://me:p%40ss@127.0.0.1:{server.server_port}/a.git", target)
        server.shutdown()
    wanted = "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert {said for said in _AsksForPassword.heard if said} == {wanted}
    assert not any("p@ss" in word or "p%40ss" in word for line in lines for word in line)


def test_an_interrupted_clone_ends_at_once(sandbox: Sandbox, origin: Path, target: Path) -> None:
    scope = Scope(60)
    scope.cancel()
    with pytest.raises(Cancelled):
        clone(origin, target, scope=scope)


def test_locate_asks_the_remote(sandbox: Sandbox, origin: Path) -> None:
    repo, url = GitRepo(), origin.as_uri()
    main = repo.locate(url, "", Scope(60))
    assert (main.commit, main.ref) == (sandbox.tip(origin), "refs/heads/main")
    tag = repo.locate(url, "v1.0.0", Scope(60))
    assert (tag.commit, tag.ref) == (sandbox.tip(origin, "v1.0.0^{commit}"), "refs/tags/v1.0.0")
    assert repo.locate(url, ABSENT, Scope(60)).commit == ABSENT


def test_an_export_is_what_is_committed_and_nothing_else(sandbox: Sandbox, target: Path) -> None:
    repo = sandbox.repo()
    sandbox.write(repo / "sub" / "näme", "committed")
    sandbox.write(repo / ".gitattributes", "sub export-ignore\n")
    (repo / "run.sh").write_text("#!/bin/sh\n")
    (repo / "run.sh").chmod(0o755)
    (repo / "link").symlink_to("app.py")
    tip = sandbox.commit(repo, "Files")
    sandbox.write(repo / "app.py", "not committed")
    sandbox.write(repo / "untracked", "")
    sandbox.git(repo, "add", "untracked")
    sandbox.write(target / "old", "")
    state = sandbox.state(repo)
    GitRepo().export(str(repo), tip, str(target), Scope(60))
    names = sorted(str(path.relative_to(target)) for path in target.rglob("*"))
    assert names == [".gitattributes", "app.py", "link", "run.sh", "sub", "sub/näme"]
    assert (target / "app.py").read_text() == "print('hi')\n"
    assert os.access(target / "run.sh", os.X_OK)
    assert (target / "link").is_symlink()
    assert sandbox.state(repo) == state
