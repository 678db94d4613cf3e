"""``when:`` asks git for what holds at the commit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.app.running import Applies
from pipeline.config import When
from pipeline.ports.repo import Head


class Repo:
    def __init__(self, tags: list[str], branch: str | None = "main") -> None:
        self.names, self.branch, self.asked = tags, branch, 0

    def head(self, directory: str) -> Head:
        self.asked += 1
        return Head(root=directory, commit="a" * 40, branch=self.branch)

    def tags(self, directory: str, commit: str) -> list[str]:
        return self.names


def applies(repo: Repo, **when: Any) -> str | None:
    workspace = SimpleNamespace(
        request=SimpleNamespace(environment=None, trigger="cli"),
        ports=SimpleNamespace(repo=repo),
        pipeline=SimpleNamespace(directory="/app"),
    )
    entry = SimpleNamespace(when=When(**when))
    return Applies(cast(Any, workspace))(cast(Any, entry))


def test_without_a_condition_git_is_not_asked() -> None:
    repo = Repo([])
    assert applies(repo) is None
    assert repo.asked == 0


@pytest.mark.parametrize(
    ("tags", "pattern", "holds"),
    [
        (["v1.2.0"], "v*", True),
        (["nightly", "v1.2.0"], "v*", True),
        (["nightly"], "v*", False),
        ([], "v*", False),
        (["v1.2.0"], True, True),
        ([], True, False),
        (["dockcycle/hello/2026-01-01-abc"], True, False),
    ],
)
def test_tags(tags: list[str], pattern: str | bool, holds: bool) -> None:
    assert (applies(Repo(tags), tag=pattern) is None) is holds


def test_branches() -> None:
    assert applies(Repo([]), branch="main") is None
    assert "only on branch release/*" in (applies(Repo([]), branch="release/*") or "")
    assert applies(Repo([], branch=None), branch="main") is not None
