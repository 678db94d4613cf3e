"""Command lines and failures, without running anything."""

from __future__ import annotations

import pytest

from pipeline.adapters.git_command import argv, failure


def test_no_hook_and_nothing_in_the_background() -> None:
    line = argv("status", "-z")
    assert line[0] == "git"
    assert line[-2:] == ["status", "-z"]
    settings = {line[i + 1] for i, word in enumerate(line) if word == "-c"}
    assert {"core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0"} <= settings


def test_pointers_of_a_hook_are_taken_away_unless_they_are_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/elsewhere/index")
    assert argv("x")[:6] == ["env", "-u", "GIT_DIR", "-u", "GIT_INDEX_FILE", "git"]
    assert argv("x", keep=["GIT_INDEX_FILE"])[:4] == ["env", "-u", "GIT_DIR", "git"]


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("fatal: unable to access 'https://me:pw@host/a/': Could not resolve host: host",
         "unable to access 'https://host/a/': Could not resolve host: host", "network"),
        ("fatal: could not read Username for 'https://host': terminal prompts disabled",
         "could not read Username for 'https://host': terminal prompts disabled",
         "credential helper"),
        ("git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.",
         "Could not read from remote repository.", "SSH key"),
        ("warning: x\nerror: pack-objects died\nfatal: No space left on device",
         "pack-objects died", "disk space"),
        ("remote: Repository not found.\nfatal: repository 'https://host/a/' not found",
         "Repository not found.", "git ls-remote"),
        ("fatal: transport 'ext' not allowed", "transport 'ext' not allowed", "file, git, http"),
        ("fatal: Unable to create '/a/.git/index.lock': File exists.",
         "Unable to create '/a/.git/index.lock': File exists.", "remove /a/.git/index.lock"),
        ("something new", "something new", ""),
        ("", "no reason given", ""),
    ],
)  # fmt: skip
def test_a_failure_has_gits_words_and_a_next_step(words: str, message: str, hint: str) -> None:
    error = failure("fetch", words)
    assert error.message == f"git fetch failed: {message}"
    assert hint in error.hint
    assert error.exit_code == 4
    assert "pw" not in f"{error.message}{error.detail}"
