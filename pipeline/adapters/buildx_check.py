"""BuildKit's own checks of a Dockerfile: ``docker buildx build --call lint``, without a build."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.adapters.buildx import (
    LONGEST_DOCUMENT,
    BuildFiles,
    Buildx,
    build_files,
    target_options,
)
from pipeline.adapters.shell import run_argv
from pipeline.artifacts import Finding
from pipeline.ports.engine import BuildRequest
from pipeline.scope import Scope

CHECKS_SINCE = (0, 15)


def check_argv(buildx: Buildx, request: BuildRequest, files: BuildFiles) -> list[str]:
    """The command line: ``lint`` is what every version calls it, ``check`` its later name."""
    return [
        buildx.program, "build", "--call", "lint,format=json,ignorestatus=true",
        "--progress", "quiet", "--file", files.dockerfile, *target_options(request),
        "--", request.context,
    ]  # fmt: skip


def run_checks(
    buildx: Buildx, request: BuildRequest, environment: Mapping[str, str], scope: Scope
) -> list[Finding] | None:
    """What BuildKit has to say; None when this builder has no checks.

    Raises:
        NotFound: the plugin is gone.
        Cancelled, DeadlineExceeded: the scope ended.
    """
    if not buildx.at_least(CHECKS_SINCE):
        return None
    lines: list[str] = []
    with build_files(request) as files:
        run_argv(
            check_argv(buildx, request, files), environment=environment, on_line=lines.append,
            scope=scope, longest_line=LONGEST_DOCUMENT,
        )  # fmt: skip
    return read_checks(lines)


def read_checks(lines: Sequence[str]) -> list[Finding] | None:
    """From the indented JSON among what buildx prints. None when there is none: a BuildKit before
    0.14 does not know the request, and one without the base image cannot tell."""
    if "{" not in lines or "}" not in lines:
        return None
    try:
        document = json.loads("\n".join(lines[lines.index("{") : lines.index("}") + 1]))
        return [_finding(warning) for warning in document.get("warnings") or ()]
    except (ValueError, TypeError, LookupError, AttributeError):
        return None


def _finding(warning: Mapping[str, Any]) -> Finding:
    ranges = (warning.get("location") or {}).get("ranges") or [{}]
    return Finding(
        rule=str(warning["ruleName"]),
        level="warning",
        message=" ".join(str(warning.get("detail") or warning.get("description")).split()),
        line=int((ranges[0].get("start") or {}).get("line") or 0),
        hint=str(warning.get("url") or ""),
    )
