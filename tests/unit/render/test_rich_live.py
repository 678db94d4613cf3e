import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from pipeline.errors import Location
from pipeline.events import (
    Event,
    Notice,
    RunFinished,
    RunStarted,
    StageFinished,
    StageLog,
    StageStarted,
)
from pipeline.render.frame import Look, frame
from pipeline.render.panels import failure
from pipeline.render.picture import svg
from pipeline.render.rich_live import PoliteConsole, RichRenderer, SteadyLive
from pipeline.render.view import RunView
from pipeline.render.words import ASCII, UNICODE


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def view_of(events: list[Event]) -> RunView:
    view = RunView()
    for event in events:
        view.take(event)
    return view


def picture(view: RunView, width: int = 80, height: int = 30, now: float = 1010.0) -> list[str]:
    return [line.plain for line in frame(view, Look(UNICODE, width, height, now))]


def test_a_line_per_stage_and_the_tail_of_what_runs(passed: list[Event]) -> None:
    view = view_of([*passed[:2], *(StageLog(stage="code", line=f"line {n}") for n in range(9))])
    lines = picture(view, now=1013.2)
    assert lines[0].startswith("hello  /srv/hello/pipeline.yml  20261124T020433-3f9a")
    assert lines[2].split() == ["⠋", "code", "running", "12", "s"]
    assert lines[3:9] == [f"  │ line {n}" for n in range(3, 9)]
    assert lines[9:] == ["· build  waiting", "· smoke  waiting", "· push   waiting"]


def test_ended_stages_say_what_came_of_them(passed: list[Event]) -> None:
    lines = picture(view_of(passed))
    assert re.fullmatch(r"✓ code   passed     4f2c on main +2\.0 s", lines[2])
    assert lines[3] == "↺ build  reused     unchanged"
    assert re.fullmatch(r"✓ smoke  passed     1 of 2 checks passed +2\.1 s", lines[4])
    assert lines[5] == "  ! is | quick: took 2 s (2.0 s, 3 attempts, advisory)"


@pytest.mark.parametrize("width", [1, 7, 20, 40, 59, 60, 100])
@pytest.mark.parametrize("height", [1, 3, 5, 6, 9, 14, 40])
def test_it_fits_into_any_terminal(failed: list[Event], width: int, height: int) -> None:
    for end in range(1, len(failed) + 1):
        lines = frame(view_of(failed[:end]), Look(UNICODE, width, height, 1010.0))
        assert len(lines) <= max(height, 3)
        assert all(line.cell_len <= width for line in lines)


def test_a_low_terminal_keeps_what_runs_in_view() -> None:
    keys = [f"s{n}" for n in range(8)]
    view = view_of([StageFinished(stage=key) for key in keys[:5]])
    view.take(StageStarted(stage="s5"))
    for key in keys[6:]:
        view.take(StageStarted(stage=key))
    assert any("s5" in line for line in picture(view, height=5))


def test_warnings_are_few(failed: list[Event]) -> None:
    warnings = [Notice(stage="build", level="warning", message=f"w{n}") for n in range(5)]
    lines = picture(view_of([*failed[:3], *warnings]))
    assert lines[4:8] == ["  ! w0", "  ! w1", "  ! w2", "  ! and 2 more"]


def test_on_a_terminal_it_lives_and_never_hides_the_cursor(passed: list[Event]) -> None:
    stream = Terminal()
    renderer = RichRenderer(stream, {"TERM": "xterm-256color", "COLUMNS": "90", "LINES": "30"})
    for event in passed:
        renderer(event)
    renderer.close()
    text = stream.getvalue()
    assert "\x1b[?25l" not in text
    assert "hello r12 is live" in text
    assert "title" not in text and "boo" not in text  # the tail is gone, the window title too


def test_a_narrower_terminal_is_cleared_of_the_rows_that_wrapped() -> None:
    stream = Terminal()
    console = PoliteConsole(file=stream, width=80, height=20, _environ={"TERM": "xterm"})
    live = SteadyLive(console, lambda: [Text("x" * min(console.width, 100)) for _ in range(3)])
    live.auto_refresh = False
    live.start()
    live.refresh()
    stream.truncate(0)
    live.refresh()
    assert stream.getvalue().count("\x1b[1A") == 3
    stream.truncate(0)
    console.width = 30  # each of the three lines of 80 now takes three rows
    live.refresh()
    assert stream.getvalue().count("\x1b[1A") == 3 + 3 * 2
    live.stop()


def test_a_run_that_never_finished_lets_go_of_the_terminal(passed: list[Event]) -> None:
    stream = Terminal()
    renderer = RichRenderer(stream, {"TERM": "xterm"})
    for event in passed[:3]:
        renderer(event)
    renderer.close()
    renderer.close()
    assert stream.getvalue().endswith("\n")


def test_into_a_file_each_line_comes_once(passed: list[Event]) -> None:
    stream = io.StringIO()
    renderer = RichRenderer(stream, {"COLUMNS": "90"})
    for event in passed:
        renderer(event)
    renderer.close()
    text = stream.getvalue()
    assert "\x1b" not in text
    assert text.count("code") == 1 and text.count("smoke") == 1
    assert "http://localhost:8000" in text


def test_no_color_is_honoured(passed: list[Event]) -> None:
    def colours(**environ: str) -> list[str]:
        stream = Terminal()
        renderer = RichRenderer(stream, {"TERM": "xterm-256color"} | environ)
        for event in passed:
            renderer(event)
        return re.findall(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", stream.getvalue())

    assert colours() and not colours(NO_COLOR="1")


def test_an_interrupted_run_says_what_holds_now(failed: list[Event]) -> None:
    end = [
        replace(failed[0]),
        StageFinished(stage="code", status="cancelled", seconds=1.0),
        RunFinished(status="interrupted", exit_code=130, seconds=2.0),
    ]
    stream = io.StringIO()
    renderer = RichRenderer(stream, {})
    for event in end:
        renderer(event)
    assert "interrupted after 2.0 s" in stream.getvalue()


def test_a_failure_quotes_the_line_and_is_free_of_borders(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text("version: 1\nnaem: hello\n")
    panel = failure("a mistake", "unknown key", where=Location(str(file), 2), detail="log 1\nlog 2",
                    hint="Did you mean `name`?", width=60)  # fmt: skip
    console = Console(file=io.StringIO(), width=60)
    with console.capture() as capture:
        console.print(panel)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    assert "      2 │ naem: hello" in lines
    assert "  log 2" in lines
    assert "  Next  Did you mean `name`?" in lines


def test_the_picture_names_nothing_to_download(passed: list[Event]) -> None:
    picture = svg(passed)
    assert "@font-face" not in picture and "http" in picture
    assert set(re.findall(r"https?://[a-z.]+", picture)) <= {
        "http://www.w", "http://www.w3.org", "https://www.textualize.io", "http://localhost",
    }  # fmt: skip
    assert "hello&#160;r12&#160;is&#160;live" in picture


def test_the_picture_of_a_moment(passed: list[Event]) -> None:
    assert "running" in svg(passed, until=1002.0)


def test_signs_fit_the_encoding() -> None:
    class Latin(Terminal):
        encoding = "latin-1"

    stream = Latin()
    renderer = RichRenderer(stream, {"TERM": "xterm"})
    renderer(RunStarted(project="hello", file="p.yml"))
    renderer(StageStarted(stage="code"))
    renderer(StageFinished(stage="code"))
    renderer.close()
    assert "✓" not in stream.getvalue() and ASCII.states["passed"] in stream.getvalue()
