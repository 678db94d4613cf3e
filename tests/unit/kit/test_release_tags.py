from __future__ import annotations

import pytest

from pipeline.artifacts import Image, PushedImage, PushedImages, Source
from pipeline.kit.release_tags import (
    DEFAULT,
    check_pattern,
    image_digits,
    image_names,
    is_exact,
    render,
)

IDS = {name: f"sha256:{name * 64}" for name in "abc"}
SOURCE = Source(
    path="/a", root="/a", content="c" * 64, commit="0123456789" * 4, branch="feature/x",
    committed="2026-11-24T02:04:33+01:00", versions=("1.2.3", "1.2.2"),
)  # fmt: skip


def tag(pattern: str, source: Source = SOURCE) -> str:
    return render(pattern, project="hello", run="r1", source=source, image="1a2b3c4d")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (DEFAULT, "dockcycle/hello/20261124-01234567-1a2b3c4d"),
        ("v{version}", "v1.2.3"),
        ("{branch}/{content}", "feature/x/cccccccccccc"),
        ("{project}-{run}", "hello-r1"),
        ("{commit}", "0123456789" * 4),
        ("stable", "stable"),
    ],
)
def test_patterns_become_names(pattern: str, expected: str) -> None:
    assert check_pattern(pattern) == pattern
    assert tag(pattern) == expected


def test_code_that_is_not_committed_has_a_name_that_says_so() -> None:
    assert tag("v{version}", SOURCE.model_copy(update={"dirty": True})) == "v1.2.3-dirty"


def test_a_placeholder_without_a_value_is_named() -> None:
    with pytest.raises(ValueError, match=r"\{version\} has no value here"):
        tag("v{version}", SOURCE.model_copy(update={"versions": ()}))


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("v{versoin}", "Did you mean `version`"),
        ("v{version", "not closed"),
        ("-{run}", "begins with -"),
        ("{run}..{date}", r"has \.\. in it"),
        ("a b", "a space"),
        ("", "empty"),
    ],
)
def test_patterns_that_cannot_work(pattern: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        check_pattern(pattern)


def test_a_name_is_exact_when_it_has_commit_and_image() -> None:
    assert is_exact(DEFAULT)
    assert not is_exact("v{version}")
    assert not is_exact("{commit}")


def test_an_image_is_named_by_where_it_was_pushed_else_by_its_id() -> None:
    def pushed(ref: str) -> PushedImage:
        return PushedImage(ref=ref, digest="sha256:d1", image="x")

    images = {
        "api": Image(id=IDS["a"]), "web": Image(id=IDS["b"]), "db": Image(id=IDS["c"], built=False),
        "job": Image(id=IDS["c"]),
    }  # fmt: skip
    there = PushedImages(
        services={
            "web": (pushed("/tmp/web.tar"), pushed("localhost:5000/acme/web:1")),
            "job": (pushed("docker.io/acme/job:1"),),
        }
    )
    assert image_names(images, there) == {
        "api": IDS["a"], "web": "localhost:5000/acme/web@sha256:d1", "job": "acme/job@sha256:d1",
    }  # fmt: skip
    assert image_names(images, None)["web"] == IDS["b"]


def test_several_images_have_digits_of_their_own() -> None:
    assert image_digits({"app": "hello@sha256:1a2b3c4d5e"}) == "1a2b3c4d"
    two = image_digits({"a": IDS["a"], "b": IDS["b"]})
    assert len(two) == 8
    assert two != image_digits({"a": IDS["b"], "b": IDS["a"]})
