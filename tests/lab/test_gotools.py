"""Which Go builds, and that it writes into the lab's cache only."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lab import gotools
from lab.paths import Cache

GO = """\
#!/bin/sh
[ "$1" = install ] || { echo "go version go1.26.1 linux/amd64"; exit; }
[ "$GOTOOLCHAIN" = auto ] && mkdir -p "$GOBIN" "$GOMODCACHE" && echo "$2" > "$GOBIN/actionlint"
"""


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26)),
        ("go version go1.19 linux/amd64", (1, 19)),
        ("go version devel +a1b2c3", (0, 0)),
    ],
)
def test_the_version_of_go(told: str, found: tuple[int, int]) -> None:
    assert gotools.version(told) == found


def test_a_program_is_built_once_and_nothing_else_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "bin" / "go"
    compiler.parent.mkdir()
    compiler.write_text(GO)
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{compiler.parent}:/usr/bin:/bin")
    cache = Cache(tmp_path / "cache")

    built = gotools.program(cache, "actionlint")
    assert built.read_text().strip() == gotools.MODULES["actionlint"]
    assert [path for path in (cache.tools / "go").rglob("*") if path.is_file()] == [built]
    compiler.chmod(stat.S_IRUSR)
    assert gotools.program(cache, "actionlint") == built


def test_what_go_is_told() -> None:
    made = gotools.environment({"GOFLAGS": "-buildvcs=false", "GOPROXY": "p"}, Path("/f"))
    assert made["GOFLAGS"] == "-buildvcs=false -modcacherw"
    assert made["GOPROXY"] == "p"
    assert all(
        made[name].startswith("/f/") for name in ("GOPATH", "GOMODCACHE", "GOCACHE", "GOBIN")
    )
