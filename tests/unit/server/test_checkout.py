"""The repository of a project: what is there, and a checkout that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.adapters.git_command import argv
from pipeline.errors import GitUnusable
from pipeline.scope import Scope
from pipeline.server.checkout import Checkout
from pipeline.server.config import ServedProject
from pipeline.stage import Secrets
from pipeline.store import Home
from tests.unit.git_sandbox import Sandbox, shield

MAIN = "refs/heads/main"


@dataclass
class World:
    sandbox: Sandbox
    repo: Path
    """Where a developer works."""
    checkout: Checkout

    def push(self, text: str, *refs: str, message: str = "change") -> str:
        self.sandbox.write(self.repo / "app.py", text)
        commit = self.sandbox.commit(self.repo, message)
        self.sandbox.git(self.repo, "push", "-q", "--force", "origin", *(refs or ("main",)))
        return commit

    def fetch(self, ref: str = MAIN) -> tuple[str, str]:
        scope = Scope(60)
        fetched = self.checkout.fetch(ref, self.checkout.refs(scope)[ref], scope)
        return fetched.tip, fetched.base


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    (tmp_path / "user").mkdir()
    shield(monkeypatch, tmp_path / "user")
    sandbox = Sandbox(tmp_path)
    repo = sandbox.repo()
    bare = sandbox.remote_of(repo)
    return World(sandbox, repo, checkout(tmp_path, str(bare)))


def checkout(tmp_path: Path, url: str, **options: object) -> Checkout:
    facts = {"name": "hello", "repository": url, "secret": "HOOK", "tags": ["v*"], **options}
    project = ServedProject.model_validate(facts)
    return Checkout(project, Home(tmp_path / "state"), Secrets({"TOKEN": "s3cr3t"}.__getitem__))


def test_the_refs_that_are_wanted(world: World) -> None:
    commit = world.push("1", "main", "main:dev")
    world.sandbox.git(world.repo, "tag", "-a", "-m", "one", "v1")
    world.sandbox.git(world.repo, "tag", "other")
    world.sandbox.git(world.repo, "push", "-q", "--tags", "origin")

    assert world.checkout.refs(Scope(60)) == {MAIN: commit, "refs/tags/v1": commit}


def test_the_checkout_follows_the_branch_wherever_it_goes(world: World) -> None:
    first = world.push("1")
    assert world.fetch() == (first, first)
    second = world.push("2")
    assert world.fetch() == (second, second)
    (world.checkout.folder / "app.py").write_text("spoilt")
    (world.checkout.folder / "left.txt").write_text("behind")
    world.sandbox.git(world.repo, "reset", "-q", "--hard", first)
    third = world.push("3")

    assert world.fetch() == (third, third)
    assert (world.checkout.folder / "app.py").read_text() == "3"
    assert not (world.checkout.folder / "left.txt").exists()
    head = world.sandbox.git(world.checkout.folder, "symbolic-ref", "HEAD")
    assert head == MAIN  # so that `track` knows where to push


def test_a_tag_is_checked_out_even_when_a_branch_is_called_the_same(world: World) -> None:
    tagged = world.push("1")
    world.sandbox.git(world.repo, "tag", "v1")
    world.push("2", "main", "main:refs/heads/v1", "refs/tags/v1")
    assert world.fetch("refs/tags/v1") == (tagged, tagged)


def test_our_own_records_are_told_from_work(world: World) -> None:
    base = world.push("1")
    world.fetch()
    world.sandbox.write(world.repo / "Dockerfile", "FROM scratch\n")
    record = world.sandbox.commit(world.repo, "Track\n\nDockcycle-Run: 20260101T000000-aaaa")
    world.sandbox.git(world.repo, "push", "-q", "origin", "main")
    assert not world.checkout.is_record(record)  # nobody here has made it

    assert world.fetch() == (record, base)
    assert world.checkout.is_record(record)
    assert not world.checkout.is_record(base)


def test_what_has_changed(world: World) -> None:
    old = world.push("1")
    world.sandbox.write(world.repo / "docs" / "ü \n.md", "x")
    new = world.push("2")
    world.fetch()

    assert world.checkout.changed(old, new) == ["app.py", "docs/ü \n.md"]
    assert world.checkout.changed("f" * 40, new) is None


def test_no_hook_of_a_checkout_is_run(world: World, tmp_path: Path) -> None:
    world.push("1")
    world.fetch()
    for hook in ("post-checkout", "reference-transaction", "post-merge"):
        world.sandbox.hook(world.checkout.folder, hook, f"touch {tmp_path}/hooked")
    world.push("2")
    world.fetch()
    assert not (tmp_path / "hooked").exists()


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GitUnusable):
        checkout(tmp_path, str(tmp_path / "nothing.git")).refs(Scope(60))


def test_a_run_gets_at_the_repository_with_no_secret_in_a_command_line(tmp_path: Path) -> None:
    url = "https://bot:{secret:TOKEN}@git.example.com:8443/acme/hello.git"
    environment = checkout(tmp_path, url).environment({"GIT_CONFIG_COUNT": "2"})

    assert environment["GIT_CONFIG_COUNT"] == "3"
    assert environment["GIT_CONFIG_KEY_2"] == "credential.https://git.example.com:8443.helper"
    assert environment["DOCKCYCLE_GIT_SECRET"] == "s3cr3t"
    assert "s3cr3t" not in environment["GIT_CONFIG_VALUE_2"]
    assert "s3cr3t" not in " ".join(argv("push"))
    assert checkout(tmp_path, str(tmp_path)).environment({}) == {}
