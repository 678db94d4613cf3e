from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.kit.git_names import (
    check_branch,
    check_revision,
    check_url,
    credentials,
    is_remote,
    scrub,
    without_credentials,
)

GOOD = ["main", "feature/log-in", "v1.0.0", "größe", "a.b", "a@b", "@a", "release/2026-11", "HEAD2"]
BAD = [
    "", "-x", "--upload-pack=x", "HEAD", "@", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b",
    "a\\b", "/a", "a/", "a//b", "a.", ".a", "a/.b", "a.lock", "a.lock/b", "a@{b", "a\nb", "a\x7f",
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_what_git_takes_is_taken(name: str) -> None:
    assert check_branch(name) == name
    assert check_revision(name) == name


@pytest.mark.parametrize("name", BAD)
def test_what_git_refuses_is_refused_in_plain_words(name: str) -> None:
    with pytest.raises(ValueError, match="no name that git takes"):
        check_branch(name)


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("ab.-/@{}~^:?*[\\ é\x01"), min_size=1, max_size=8) | st.sampled_from(
    [name for name in GOOD + BAD if name]
))  # fmt: skip
def test_the_rule_is_the_one_of_git_itself(name: str) -> None:
    git = subprocess.run(
        ["git", "check-ref-format", f"refs/heads/{name}"], timeout=20, check=False
    ).returncode
    try:
        ours = check_branch(name) == name
    except ValueError:
        ours = False
    # `--branch` adds to the rule for refs that no name begins with - or is HEAD.
    assert ours == (git == 0 and not name.startswith("-") and name not in ("HEAD", "@"))


def test_a_revision_may_be_head_but_no_expression() -> None:
    assert check_revision("HEAD") == "HEAD"
    for text in ("HEAD~1", "main^{tree}", ":/fix", "main..next", "--all"):
        with pytest.raises(ValueError, match="no branch, tag or commit"):
            check_revision(text)


@pytest.mark.parametrize(
    "url",
    [
        "https://host/a.git", "ssh://git@host:22/a", "git@host:a/b.git", "host:a", "/srv/a.git",
        "../lib", "file:///srv/a", "git://host/a", "HTTPS://host/a", "C:/a", "[::1]:a",
        "https://user:token@host/a",
    ],
)  # fmt: skip
def test_urls_of_git_are_taken(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "", "-u", "--upload-pack=touch x", "ext::sh -c touch% x", "fd::17", "transport::x",
        "ftp://host/a", "javascript://x", "ssh://-oProxyCommand=x/a", "git@-oProxyCommand=x:a",
        "https://host/a\nb", "/srv/\x00",
    ],
)  # fmt: skip
def test_options_helpers_and_other_protocols_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"no URL|helper program|protocol"):
        check_url(url)


def test_a_refused_url_does_not_tell_its_password() -> None:
    with pytest.raises(ValueError, match="protocol") as caught:
        check_url("ftp://me:hunter2@host/a")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://user:token@host/a.git", "https://host/a.git"),
        ("https://token@host/a", "https://host/a"),
        ("https://host/a?private_token=x", "https://host/a"),
        ("ssh://git:pw@host/a", "ssh://git@host/a"),
        ("git@host:a.git", "git@host:a.git"),
        ("/srv/a@b", "/srv/a@b"),
    ],
)
def test_credentials_are_taken_out_of_urls(url: str, clean: str) -> None:
    assert without_credentials(url) == clean


def test_credentials_are_taken_out_of_any_text() -> None:
    text = "fatal: unable to access 'https://me:s3cret@host/a/': 403, see http://t0ken@other/b"
    assert scrub(text) == ("fatal: unable to access 'https://host/a/': 403, see http://other/b")


def test_credentials_of_http_urls_are_decoded() -> None:
    assert credentials("https://me:p%40ss@host/a") == ("me", "p@ss")
    assert credentials("https://token@host/a") == ("token", "")
    assert credentials("https://host/a") is None
    assert credentials("ssh://git:pw@host/a") is None


def test_remote_and_local_are_told_apart() -> None:
    assert is_remote("https://host/a")
    assert is_remote("git@host:a")
    assert not is_remote("/srv/a:b")
    assert not is_remote("./a")
    assert not is_remote("file:///srv/a")
