import io

from pipeline.events import Event, Notice, RunStarted, StageLog, StageProgress, StageStarted
from pipeline.render.plain import PlainRenderer


def shown(events: list[Event], encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="replace")
    renderer = PlainRenderer(stream)
    for event in events:
        renderer(event)
    renderer.close()
    return raw.getvalue().decode(encoding)


def test_a_run_that_passes(passed: list[Event]) -> None:
    assert shown(passed).splitlines() == [
        "dockcycle  │ run 20261124T020433-3f9a of hello (/srv/hello/pipeline.yml)",
        "code       │ started: its inputs changed",
        "code       │ last ::error::boo ##[error]bah",
        "code       │ check passed: pytest (0.5 s)",
        "code       │ passed in 2.0 s: 4f2c on main",
        "build      │ reused: unchanged",
        "smoke      │ started: its inputs changed",
        "smoke      │ asking",
        "smoke      │ check passed: greets (12 ms)",
        "smoke      │ check failed: is | quick: took 2 s (2.0 s, 3 attempts, advisory)",
        "smoke      │ passed in 2.1 s: 1 of 2 checks passed",
        "push       │ started: its inputs changed",
        "push       │ passed in 1.0 s: local/hello:1",
        "dockcycle  │ url: http://localhost:8000",
        "dockcycle  │ release: r12",
        "dockcycle  │ digest: sha256:ab",
        "dockcycle  │ passed in 5.5 s, exit code 0",
    ]


def test_a_failure_tells_place_evidence_and_next_step(failed: list[Event]) -> None:
    lines = shown(failed).splitlines()
    start = lines.index("build      │ failed after 4.0 s: pip ended with exit code 1")
    assert lines[start + 1 : start + 5] == [
        "build      │   at /srv/hello/Dockerfile:7",
        "build      │   > Collecting flsk",
        "build      │   > last ::error::boo ##[error]bah",
        "build      │   next: Fix requirements.txt.",
    ]
    assert (
        "build      │ warning: /srv/hello/Dockerfile:3: pin versions [DL3013] (Write a==1.)"
        in lines
    )
    assert lines[-1] == "dockcycle  │ failed after 4.5 s, exit code 1"


def test_no_control_byte_gets_through(passed: list[Event], failed: list[Event]) -> None:
    text = shown(passed + failed)
    assert all(c.isprintable() or c == "\n" for c in text)


def test_an_ascii_stream_gets_an_ascii_bar(passed: list[Event]) -> None:
    assert "code       | started: its inputs changed" in shown(passed, "ascii").splitlines()


def test_a_counter_that_counts_up_is_told_once() -> None:
    events: list[Event] = [
        StageProgress(stage="push", message="layer 1", done=n, total=90, unit="bytes")
        for n in range(0, 90, 10)
    ]
    assert shown([*events, StageProgress(stage="push", message="layer 2")]).splitlines() == [
        "push       │ layer 1, 0 B of 90 B",
        "push       │ layer 2",
    ]


def test_further_attempts_and_notices_of_no_stage() -> None:
    events: list[Event] = [
        Notice(message="waiting for run x"),
        RunStarted(project="hello", file="p.yml"),
        StageStarted(stage="a-stage-with-a-long-name", attempt=2),
        StageLog(stage="b", line=""),
    ]
    assert shown(events).splitlines() == [
        "dockcycle  │ note: waiting for run x",
        "dockcycle  │ run  of hello (p.yml)",
        "a-stage-with-a-long-name │ started again, attempt 2",
        "b          │",
    ]
