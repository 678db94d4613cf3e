"""What a delivery leads to: filters, and names that git would refuse."""

from __future__ import annotations

import pytest

from pipeline.server.config import ServedProject
from pipeline.server.senders import Image, Meaning, Pull, Push
from pipeline.server.wishes import Wish, decide
from tests.unit.server.payloads import COMMIT

PROJECT = ServedProject.model_validate(
    {
        "name": "hello",
        "repository": "https://git.example.com/acme/hello",
        "secret": "HOOK",
        "branches": ["main", "release/*", "!release/old"],
        "tags": ["v*"],
        "images": ["python:3.*", "registry.example.com/acme/base"],
    }
)


def wishes(item: Push | Pull | Image, *, asked: bool = False, **changes: object) -> object:
    project = PROJECT.model_copy(update=changes)
    verdict = decide(project, Meaning("something", (item,), asked=asked))
    return verdict.wishes or verdict.reason


def test_branches_and_tags_that_are_wanted() -> None:
    assert wishes(Push("refs/heads/release/1", COMMIT)) == (
        Wish("push", "refs/heads/release/1", COMMIT),
    )
    assert wishes(Push("refs/tags/v1", COMMIT)) == (Wish("push", "refs/tags/v1", COMMIT),)
    assert wishes(Push("refs/heads/main", ""), asked=True) == (Wish("call", "refs/heads/main"),)


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ("refs/heads/dev", "dev is none of `branches:`"),
        ("refs/heads/release/old", "is none of `branches:`"),
        ("refs/tags/1", "is none of `tags:`"),
        ("refs/notes/x", "no branch and no tag"),
        ("refs/heads/--upload-pack=touch x", "is no name that git takes"),
        ("refs/heads/main;reboot\x1b[31m", "is none of `branches:`"),
        ("refs/heads/release/../../x", "is no name that git takes"),
        ("refs/heads/release/$(reboot) x", "is no name that git takes"),
        ("refs/heads/release/\n", "is no name that git takes"),
        ("refs/heads/", "is no name that git takes"),
        ("main", "no branch and no tag"),
    ],
)
def test_what_is_not_wanted_is_told_why(ref: str, reason: str) -> None:
    found = str(wishes(Push(ref, COMMIT)))
    assert reason in found or "is no name that git takes" in found
    assert found.isprintable()


@pytest.mark.parametrize("commit", ["", "HEAD", "abc", f"{COMMIT}x", "-" * 40, COMMIT.upper()])
def test_a_commit_is_a_whole_id(commit: str) -> None:
    assert wishes(Push("refs/heads/main", commit)) == "it names no commit"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("python:3.13", True),
        ("python:2.7", False),
        ("registry.example.com/acme/base:1", True),
        ("registry.example.com:5000/acme/base", False),
    ],
)
def test_base_images(name: str, wanted: bool) -> None:
    assert (wishes(Image((name,))) == (Wish("image", ""),)) is wanted


def test_pull_requests_are_off_unless_they_are_wanted() -> None:
    pull = Pull(7, "refs/pull/7/head", COMMIT, foreign=True)
    assert "are off" in str(wishes(pull))
    assert wishes(pull, pull_requests=True) == (Wish("pull", "refs/pull/7/head", COMMIT),)
    odd = Pull(7, "refs/pull/x/head", COMMIT, foreign=True)
    assert wishes(odd, pull_requests=True) == "it is no pull request"


def test_one_delivery_may_tell_of_several_refs() -> None:
    items = tuple(Push(ref, COMMIT) for ref in ("refs/heads/main", "refs/heads/x", "refs/tags/v1"))
    found = decide(PROJECT, Meaning("push", items))
    assert [wish.ref for wish in found.wishes] == ["refs/heads/main", "refs/tags/v1"]
