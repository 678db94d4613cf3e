"""serve.yml: what it may hold, and how a mistake in it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError, UsageError
from pipeline.runner import Masker
from pipeline.server.config import matches
from pipeline.server.loading import Settings, load, require_secrets

GOOD = """\
listen: 127.0.0.1:8080
token: DASHBOARD
secrets:
  HOOK: {env: HOOK}
  DASHBOARD: {file: dashboard.token}
projects:
  - name: hello
    repository: https://git.example.com/acme/hello.git
    secret: HOOK
"""
LAST = "    secret: HOOK"
VARIABLES = {"HOOK": "a-secret-that-nobody-guesses"}


def settings(folder: Path, text: str = GOOD, variables: dict[str, str] | None = None) -> Settings:
    file = folder / "serve.yml"
    file.write_text(text)
    return load(file, VARIABLES if variables is None else variables)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        settings(folder, text)
    return [f"{p.where.line}: {p.message} [{p.hint}]" for p in caught.value.problems]


def test_a_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    (project,) = settings(tmp_path).serve.projects

    assert (project.branches, project.sender, project.cancel) == (("main",), ("github",), "never")
    assert not project.pull_requests
    assert settings(tmp_path).serve.address == ("127.0.0.1", 8080)


@pytest.mark.parametrize(
    ("listen", "address"),
    [("9000", ("127.0.0.1", 9000)), ("'[::1]:80'", ("::1", 80)), ("0.0.0.0:1", ("0.0.0.0", 1))],
)
def test_an_address_is_a_port_or_a_host_and_a_port(
    tmp_path: Path, listen: str, address: tuple[str, int]
) -> None:
    text = GOOD.replace("127.0.0.1:8080", listen)
    assert settings(tmp_path, text).serve.address == address


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (LAST, "    secrets: HOOK", "9: unknown key `secrets` [Did you mean `secret`?]"),
        (LAST, "    secret: HOK", "9: no secret HOK is declared [Did you mean `HOOK`?]"),
        ("token: DASHBOARD", "token: NONE", "2: no secret NONE is declared ["),
        ("https://git", "ext::git", '8: "ext::git.example.com/acme/hello.git" would start'),
        ("127.0.0.1:8080", "here", '1: "here" is no address to listen at'),
        (LAST, f"{LAST}\n    sender: githup", "10: `sender` cannot be"),
        (LAST, f"{LAST}\n    sender: registry", "`sender: registry` needs `images:`"),
        (LAST, f"{LAST}\n    sender: bitbucket\n    pull_requests: true",
         "`pull_requests:` needs a sender that has them: github, gitlab, gitea"),
        ("{env: HOOK}", "{value: swordfish}", "the value of a secret does not belong"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    found = problems(tmp_path, GOOD.replace(before, after))
    assert any(told in line for line in found), found
    assert not any("swordfish" in line for line in found)


def test_two_projects_of_one_name_are_refused(tmp_path: Path) -> None:
    project = GOOD.partition("projects:\n")[2]
    assert any(
        "two projects are called hello" in line for line in problems(tmp_path, GOOD + project)
    )


def test_nothing_is_served_without_a_secret_or_with_one_that_can_be_guessed(tmp_path: Path) -> None:
    (tmp_path / "dashboard.token").write_text("0123456789abcdef\n")
    fine = settings(tmp_path)
    require_secrets(fine, fine.open_secrets(Masker()))

    for value in ("", "hunter2"):
        weak = settings(tmp_path, variables={"HOOK": value})
        with pytest.raises(UsageError, match="HOOK"):
            require_secrets(weak, weak.open_secrets(Masker()))


@pytest.mark.parametrize(
    ("patterns", "name", "wanted"),
    [
        (("main",), "main", True),
        (("main",), "mainline", False),
        (("release/*",), "release/1/2", True),
        (("*", "!wip/*"), "wip/x", False),
        (("!wip/*",), "main", True),
        ((), "main", False),
    ],
)
def test_patterns(patterns: tuple[str, ...], name: str, wanted: bool) -> None:
    assert matches(patterns, name) is wanted
