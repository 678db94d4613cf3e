"""Runs as lists of events, for every renderer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pipeline.errors import Location
from pipeline.events import (
    CheckFinished,
    ErrorInfo,
    Event,
    Notice,
    PlannedStage,
    RunFinished,
    RunStarted,
    StageFinished,
    StageLog,
    StageProgress,
    StageStarted,
)

RUN = "20261124T020433-3f9a"
EVIL = "\x1b[31mred\x1b[0m \x1b]0;title\x07\rlast ::error::boo ##[error]bah"
KEYS = ("code", "build", "smoke", "push")


def planned(*keys: str) -> tuple[PlannedStage, ...]:
    return tuple(PlannedStage(key=k, uses=k, action="run", reason="its inputs changed")
                 for k in keys)  # fmt: skip


def stamped(events: Sequence[Event]) -> list[Event]:
    return [replace(event, run=RUN, at=1000.0 + n) for n, event in enumerate(events)]


@pytest.fixture
def passed() -> list[Event]:
    """Stages one after the other; ``build`` reused."""
    return stamped(
        [
            RunStarted(project="hello", file="/srv/hello/pipeline.yml", stages=planned(*KEYS)),
            StageStarted(stage="code"),
            StageLog(stage="code", line=EVIL),
            CheckFinished(stage="code", check="pytest", seconds=0.5),
            StageFinished(stage="code", seconds=2.0, summary="4f2c on main"),
            StageFinished(stage="build", status="reused", reason="unchanged"),
            StageStarted(stage="smoke"),
            StageProgress(stage="smoke", message="asking"),
            CheckFinished(stage="smoke", check="greets", seconds=0.012),
            CheckFinished(
                stage="smoke", check="is | quick", passed=False, advisory=True, message="took 2 s",
                attempts=3, seconds=2.0,
            ),
            StageFinished(stage="smoke", seconds=2.1, summary="1 of 2 checks passed"),
            StageStarted(stage="push"),
            StageFinished(stage="push", seconds=1.0, summary="local/hello:1"),
            RunFinished(
                seconds=5.5,
                outcome={"url": "http://localhost:8000", "release": "r12", "digest": "sha256:ab"},
            ),
        ]
    )  # fmt: skip


@pytest.fixture
def failed() -> list[Event]:
    """``build`` fails at a line of a Dockerfile."""
    error = ErrorInfo(
        kind="StageFailed", message="pip ended with exit code 1", hint="Fix requirements.txt.",
        detail=f"Collecting flsk\n{EVIL}", where=Location("/srv/hello/Dockerfile", 7),
    )  # fmt: skip
    return stamped(
        [
            RunStarted(project="hello", file="/srv/hello/pipeline.yml", stages=planned(*KEYS)),
            StageFinished(stage="code", status="reused", reason="unchanged"),
            StageStarted(stage="build"),
            Notice(
                stage="build", level="warning", message="pin versions", rule="DL3013",
                hint="Write a==1.", where=Location("/srv/hello/Dockerfile", 3),
            ),
            StageLog(stage="build", line="Collecting flsk"),
            StageFinished(stage="build", status="failed", seconds=4.0, error=error),
            StageFinished(stage="smoke", status="skipped", reason="not reached"),
            StageFinished(stage="push", status="skipped", reason="not reached"),
            RunFinished(status="failed", exit_code=1, seconds=4.5),
        ]
    )  # fmt: skip
