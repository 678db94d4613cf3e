from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.kit.ignore import DEFAULT_IGNORE, Ignore, derived, ignore_file, in_force


def excluded(text: str, *paths: str) -> list[str]:
    ignore = Ignore.parse(text)
    return [path for path in paths if ignore.excludes(path)]


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("notes", ["notes", "notes/a", "notes/a/b"], ["src/notes", "notes2"]),
        ("notes/", ["notes", "notes/a"], ["notes2"]),
        ("/notes", ["notes/a"], ["src/notes"]),
        ("./src/../notes", ["notes/a"], ["src"]),
        ("*.log", ["a.log", "dir.log/file"], ["src/a.log", "alog"]),
        ("src/*.log", ["src/a.log"], ["a.log", "src/deep/a.log"]),
        ("*/*.log", ["src/a.log"], ["a.log", "src/deep/a.log"]),
        ("**/*.log", ["a.log", "src/a.log", "src/deep/a.log"], ["a.logs"]),
        ("**/cache", ["cache", "a/cache", "a/b/cache/file"], ["a/xcache", "cached"]),
        ("**cache", ["cache", "a/cache", "xcache"], ["cached"]),
        ("src/**", ["src/a", "src/b/c"], ["src", "source/a"]),
        ("src/**/test", ["src/test", "src/a/test", "src/a/b/test"], ["test", "src/a/tests"]),
        ("**", ["a", "a/b"], []),
        ("file?", ["file1", "fileé"], ["file", "file12", "file/"]),
        ("v[0-9].txt", ["v1.txt"], ["va.txt", "v10.txt"]),
        ("v[^0-9]", ["va"], ["v1"]),
        ("v[!a]", ["va", "v!"], ["vb"]),
        ("v[a\\-c]", ["va", "v-", "vc"], ["vb"]),
        ("a\\*b", ["a*b"], ["aXb"]),
        ("a+b(c)$.{1}|d", ["a+b(c)$.{1}|d"], ["aab(c)$.{1}|d", "d"]),
        ("Größe/*.txt", ["Größe/ä.txt"], ["Größe/ä.md"]),
        ("  padded  ", ["padded"], ["  padded  "]),
        ("with space", ["with space/x"], ["with"]),
    ],
)
def test_one_pattern(pattern: str, inside: list[str], outside: list[str]) -> None:
    assert excluded(pattern, *inside, *outside) == inside


@pytest.mark.parametrize(
    ("text", "paths", "expected"),
    [
        ("docs\n!docs/README.md", ["docs/a", "docs/README.md"], ["docs/a"]),
        ("!docs/README.md\ndocs", ["docs/README.md"], ["docs/README.md"]),
        ("*\n!src", ["a", "src", "src/b"], ["a"]),
        ("*\n!src\nsrc/secret", ["src/b", "src/secret"], ["src/secret"]),
        ("**\n!src/**", ["src/a", "lib/a"], ["lib/a"]),
        ("**/*.md\n!**/README.md", ["a/b.md", "a/README.md"], ["a/b.md"]),
        # An exception is only tried on what is excluded: that of the directory came too early.
        ("src/*\n!src", ["src", "src/a"], ["src/a"]),
        ("# comment\n\n  # no comment\n#x", ["# comment", "# no comment", "#x"], ["# no comment"]),
        ("\ufefffirst\r\nsecond\r\n", ["first", "second"], ["first", "second"]),
        (".\n/", ["a"], []),
    ],
)
def test_several_patterns(text: str, paths: list[str], expected: list[str]) -> None:
    assert excluded(text, *paths) == expected


@pytest.mark.parametrize("pattern", ["!", "! ", "!/", "a[", "a[]", "a[b-]", "a[z-a]", "a*\\"])
def test_bad_patterns_are_refused_with_their_line(pattern: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Ignore.parse(f"fine\n{pattern}\n", file="app/.dockerignore")
    (problem,) = caught.value.problems
    assert (problem.where.file, problem.where.line) == ("app/.dockerignore", 2)


def test_all_bad_patterns_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Ignore.parse("[\nfine\n!\n")
    assert [problem.where.line for problem in caught.value.problems] == [1, 3]


def test_directories_are_pruned_unless_an_exception_may_lie_below() -> None:
    assert Ignore.parse("big").prunes("big")
    assert not Ignore.parse("big").prunes("small")
    assert not Ignore.parse("big\n!big/keep/this").prunes("big")
    assert not Ignore.parse("big\n!big/keep/this").prunes("big/keep")
    assert Ignore.parse("big\n!big/keep/this").prunes("big/other")
    assert Ignore.parse("big\n!other/**").prunes("big")
    assert not Ignore.parse("big\n!**/*.txt").prunes("big")


def test_the_default_keeps_the_app_and_drops_secrets_and_caches() -> None:
    ignore = Ignore.parse(DEFAULT_IGNORE)
    kept = ["app.py", "src/main.js", "README.md", "requirements.txt", "docs/key.md", ".npmrc"]
    dropped = [
        ".git", "web/.git/config", "__pycache__/a.pyc", "deep/node_modules/x/index.js", ".env",
        "web/.env.production", "tls/server.key", "Dockerfile", "web/.dockerignore",
        "compose.override.yaml", "pipeline.yml", "pipeline.prod.yml", "pipeline.lock",
    ]  # fmt: skip
    assert [path for path in kept if ignore.excludes(path)] == []
    assert [path for path in dropped if not ignore.excludes(path)] == []
    assert ignore.prunes("node_modules")


def test_derived_files_are_those_that_tools_make() -> None:
    assert derived().excludes("src/__pycache__/a.cpython-311.pyc")
    assert not derived().excludes(".env")
    assert not derived().excludes("dist/app.js")


def test_the_ignore_file_beside_the_dockerfile_comes_first(tmp_path: Path) -> None:
    dockerfile = tmp_path / "docker" / "web.Dockerfile"
    dockerfile.parent.mkdir()
    assert ignore_file(tmp_path, dockerfile) is None
    assert in_force(tmp_path).excludes(".env")
    (tmp_path / ".dockerignore").write_text("general")
    assert in_force(tmp_path, dockerfile).excludes("general")
    assert not in_force(tmp_path, dockerfile).excludes(".env")
    own = dockerfile.with_name("web.Dockerfile.dockerignore")
    own.write_text("own")
    assert ignore_file(tmp_path, dockerfile) == own
    assert in_force(tmp_path, dockerfile).excludes("own")
    assert not in_force(tmp_path, dockerfile).excludes("general")
