"""BuildKit's checks: what buildx is called with, and how its answer is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.buildx import BuildFiles, Buildx
from pipeline.adapters.buildx_check import check_argv, read_checks, run_checks
from pipeline.artifacts import Finding
from pipeline.ports.engine import BuildRequest
from pipeline.scope import Scope

FILES = BuildFiles("/t/Dockerfile", "/t/iid", "/t/metadata")
WARNING = {
    "ruleName": "JSONArgsRecommended",
    "description": "JSON arguments recommended for ENTRYPOINT/CMD",
    "url": "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/",
    "detail": "JSON arguments recommended for CMD to prevent\n unintended behavior",
    "location": {"ranges": [{"start": {"line": 4}, "end": {"line": 5}}]},
}


def request(**more: Any) -> BuildRequest:
    return BuildRequest(context="/app", dockerfile_text="FROM a\n", **more)


def report(*warnings: Any) -> list[str]:
    document = {"warnings": list(warnings) or None, "sources": [{"filename": "Dockerfile"}]}
    return json.dumps(document, indent=2).split("\n")


def test_it_is_called_without_a_build() -> None:
    wanted = request(target="prod", args={"A": "1"}, contexts={"d": "/d"}, tags=("a:1",))
    assert check_argv(Buildx("/p/docker-buildx", "0.15.1"), wanted, FILES) == [
        "/p/docker-buildx", "build", "--call", "lint,format=json,ignorestatus=true",
        "--progress", "quiet", "--file", "/t/Dockerfile", "--target", "prod",
        "--build-arg", "A=1", "--build-context", "d=/d", "--", "/app",
    ]  # fmt: skip


def test_a_report_becomes_findings() -> None:
    assert read_checks(["WARN: odd", *report(WARNING, {"ruleName": "X", "detail": "y"})]) == [
        Finding(
            rule="JSONArgsRecommended", level="warning", line=4, hint=WARNING["url"],
            message="JSON arguments recommended for CMD to prevent unintended behavior",
        ),
        Finding(rule="X", level="warning", message="y"),
    ]  # fmt: skip
    assert read_checks(report()) == []


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["ERROR: failed to solve: unsupported request frontend.lint"],
        ["{", "not json", "}"],
        ["{", '  "warnings": [1]', "}"],
    ],
)
def test_no_report_is_no_check(lines: list[str]) -> None:
    assert read_checks(lines) is None


def test_an_older_buildx_is_not_even_asked() -> None:
    assert run_checks(Buildx("/nowhere", "0.14.2"), request(), {}, Scope(5)) is None


def test_a_newer_one_is_run(tmp_path: Path) -> None:
    program = tmp_path / "docker-buildx"
    answer = "\n".join(report(WARNING))
    program.write_text(f"#!/bin/sh\ncat <<'EOF'\n{answer}\nEOF\nexit 1\n")
    program.chmod(0o755)
    found = run_checks(Buildx(str(program), "0.17.0"), request(), {}, Scope(10))
    assert found is not None
    assert [(finding.rule, finding.line) for finding in found] == [("JSONArgsRecommended", 4)]
