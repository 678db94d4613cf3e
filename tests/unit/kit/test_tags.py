from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from pipeline.artifacts import Source
from pipeline.kit.references import BadReference
from pipeline.kit.tags import TagPolicy, check_policy, render_tags, slug

NOW = datetime(2026, 11, 24, 2, 4, tzinfo=UTC)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = "c0ffee" * 10


def source(
    *, commit: str | None = COMMIT, branch: str | None = "main", dirty: bool = False,
    versions: tuple[str, ...] = (),
) -> Source:  # fmt: skip
    return Source(
        path="/p", root="/p", content=CONTENT, commit=commit, branch=branch, dirty=dirty,
        versions=versions,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "tag"),
    [
        ("{commit}", COMMIT),
        ("{short}", COMMIT[:12]),
        ("{branch}", "main"),
        ("{date}", "20261124"),
        ("{content}", CONTENT[:12]),
        ("{version}", "1.4.2"),
        ("{minor}", "1.4"),
        ("{major}", "1"),
        ("latest", "latest"),
        ("v{version}-{date}", "v1.4.2-20261124"),
    ],
)
def test_each_policy(policy: str, tag: str) -> None:
    assert render_tags([policy], source(versions=("1.4.2", "1.4.1")), NOW) == [tag]


@pytest.mark.parametrize(
    ("policy", "tag"),
    [
        ("{commit}", f"{COMMIT}-dirty"),
        ("{version}", "1.4.2-dirty"),
        ("{branch}", "main-dirty"),
        ("{major}", "1-dirty"),
        ("{content}", CONTENT[:12]),
        ("{date}", "20261124"),
        ("latest", "latest"),
    ],
)
def test_what_git_names_is_marked_dirty(policy: str, tag: str) -> None:
    assert render_tags([policy], source(dirty=True, versions=("1.4.2",)), NOW) == [tag]


def test_the_default_is_the_commit_or_the_content_outside_git() -> None:
    assert render_tags([], source(), NOW) == [COMMIT]
    assert render_tags((), source(commit=None, branch=None), NOW) == [CONTENT[:12]]


def test_a_policy_without_value_is_left_out_and_told() -> None:
    told: list[str] = []
    assert render_tags(["{version}", "latest"], source(), NOW, told.append) == ["latest"]
    assert told == [
        "tag {version} is left out: no git tag with a semantic version is at the commit"
    ]


def test_a_detached_head_has_no_branch() -> None:
    told: list[str] = []
    assert render_tags(["{branch}"], source(branch=None), NOW, told.append) == [CONTENT[:12]]
    assert told == ["tag {branch} is left out: no branch is checked out"]


def test_a_prerelease_moves_no_release_line() -> None:
    told: list[str] = []
    tags = render_tags(
        ["{version}", "{minor}", "{major}"], source(versions=("2.0.0-rc.1",)), NOW, told.append
    )
    assert tags == ["2.0.0-rc.1"]
    assert len(told) == 2


def test_build_metadata_becomes_a_valid_tag() -> None:
    assert render_tags(["{version}"], source(versions=("1.0.0+exp.5",)), NOW) == ["1.0.0-exp.5"]


def test_repetitions_are_dropped_and_order_is_kept() -> None:
    tags = render_tags(["b", "{branch}", "main", "a", "b"], source(), NOW)
    assert tags == ["b", "main", "a"]


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("feature/Log-in", "feature-log-in"),
        ("--upload-pack=x", "upload-pack-x"),
        ("..hidden", "hidden"),
        ("größe/änderung", "gr-e-nderung"),
        ("x" * 100, "x" * 63),
        ("日本", ""),
    ],
)
def test_slugs_are_valid_tags(branch: str, expected: str) -> None:
    assert slug(branch) == expected


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("{comit}", "Did you mean `commit`?"),
        ("{}", "is not known"),
        ("{commit", "not closed"),
        ("a/b", "a tag has letters"),
        ("-{date}", "does not begin with"),
        ("", "the tag is empty"),
        ("x" * 129, "at most 128"),
    ],
)
def test_a_policy_that_cannot_work_is_refused_early(policy: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        check_policy(policy)
    assert reason in str(caught.value)
    with pytest.raises(ValidationError):
        TypeAdapter(TagPolicy).validate_python(policy)


def test_a_tag_that_gets_too_long_is_refused() -> None:
    with pytest.raises(BadReference, match="at most 128"):
        render_tags(["{commit}" * 4], source(), NOW)
