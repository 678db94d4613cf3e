import io
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.errors import Location
from pipeline.events import (
    CheckFinished,
    ErrorInfo,
    Event,
    Notice,
    RunFinished,
    RunStarted,
    StageFinished,
    StageLog,
    StageStarted,
)
from pipeline.render.github import GitHubRenderer
from pipeline.render.github_commands import annotation, command
from pipeline.render.github_files import cell, fenced, output_text


@dataclass
class Shown:
    lines: list[str]
    summary: str
    output: str

    def commands(self) -> list[str]:
        """What GitHub's runner would take for commands, by its own rules."""
        found, token = [], None
        for line in self.lines:
            if token is None and (match := re.fullmatch(r"::stop-commands::(\w+)", line)):
                token = match[1]
            elif token is not None:
                token = None if line == f"::{token}::" else token
            elif line.lstrip().startswith("::") or "##[" in line:
                found.append(line)
        assert token is None, "commands stay switched off"
        return found

    def text(self) -> list[str]:
        return [
            line for line in self.lines if not re.match(r"::(stop-commands|[0-9a-f]{32})", line)
        ]


def show(events: list[Event], folder: Path, **environ: str) -> Shown:
    summary, output = folder / "summary.md", folder / "output"
    names = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)}
    stream = io.StringIO()
    renderer = GitHubRenderer(stream, names | environ)
    for event in events:
        renderer(event)
    renderer.close()
    files = [file.read_text() if file.exists() else "" for file in (summary, output)]
    return Shown(stream.getvalue().splitlines(), *files)


def test_a_group_per_stage_and_no_command_of_anybody_else(
    passed: list[Event], tmp_path: Path
) -> None:
    assert show(passed, tmp_path).commands() == [
        "::group::code: its inputs changed",
        "::endgroup::",
        "::group::smoke: its inputs changed",
        "::endgroup::",
        "::group::push: its inputs changed",
        "::endgroup::",
    ]


def test_a_failure_is_an_annotation_below_its_group(failed: list[Event], tmp_path: Path) -> None:
    shown = show(failed, tmp_path, GITHUB_WORKSPACE="/srv")
    assert shown.commands() == [
        "::group::build: its inputs changed",
        "::warning title=build DL3013,file=hello/Dockerfile,line=3::pin versions%0AWrite a==1.",
        "::endgroup::",
        "::error title=build failed,file=hello/Dockerfile,line=7::"
        "pip ended with exit code 1%0AFix requirements.txt.",
    ]
    text = shown.text()
    assert text.index("::endgroup::") < text.index("  > Collecting flsk")


def test_every_bracket_has_a_token_of_its_own(failed: list[Event], tmp_path: Path) -> None:
    tokens = re.findall("::stop-commands::(.+)", "\n".join(show(failed, tmp_path).lines))
    assert len(tokens) > 2 and len(set(tokens)) == len(tokens)


def test_a_line_that_knows_an_old_token_ends_nothing(tmp_path: Path) -> None:
    first = [RunStarted(), StageStarted(stage="a"), StageLog(stage="a", line="x")]
    stream = io.StringIO()
    renderer = GitHubRenderer(stream, {})
    for event in first:
        renderer(event)
    old = re.findall("::stop-commands::(.+)", stream.getvalue())[-1]
    renderer(StageLog(stage="a", line=f"::{old.upper()}::"))
    renderer(StageLog(stage="a", line="::error::boo"))
    renderer.close()
    assert "::error::boo" not in Shown(stream.getvalue().splitlines(), "", "").commands()


def test_stages_side_by_side_do_not_mix(tmp_path: Path) -> None:
    events: list[Event] = [
        RunStarted(project="hello"),
        StageStarted(stage="push"),
        StageStarted(stage="track"),
        StageStarted(stage="scan"),
        StageLog(stage="push", line="push 1"),
        StageLog(stage="track", line="track 1"),
        StageLog(stage="scan", line="scan 1"),
        StageFinished(stage="track", seconds=1.0),
        StageLog(stage="push", line="push 2"),
        StageFinished(stage="push", seconds=2.0),
        StageLog(stage="scan", line="scan 2"),
        StageFinished(stage="scan", seconds=3.0),
        RunFinished(seconds=3.0),
    ]
    assert show(events, tmp_path).text()[1:] == [
        "::group::push", "push 1", "push 2", "passed in 2.0 s", "::endgroup::",
        "::group::track", "track 1", "passed in 1.0 s", "::endgroup::",
        "::group::scan", "scan 1", "scan 2", "passed in 3.0 s", "::endgroup::",
        "passed in 3.0 s, exit code 0",
    ]  # fmt: skip


def test_a_run_that_never_finished_leaves_no_group_open(tmp_path: Path) -> None:
    events: list[Event] = [StageStarted(stage="a"), StageStarted(stage="b")]
    assert show(events, tmp_path).commands() == [
        "::group::a", "::endgroup::", "::group::b", "::endgroup::",
    ]  # fmt: skip


def test_escaping() -> None:
    assert command("error", "a%b\r\nc::d") == "::error::a%25b%0D%0Ac::d"
    assert command("error", "x", {"title": "a:b,c%\n", "file": ""}) == (
        "::error title=a%3Ab%2Cc%25%0A::x"
    )
    made = annotation("warning", "m", title="", where=Location("/w/d/f.py", 3, 5),
                      workspace=Path("/w"))  # fmt: skip
    assert made == "::warning file=d/f.py,line=3,col=5::m"
    outside = annotation("warning", "m", title="", where=Location("/x/f.py"), workspace=Path("/w"))
    assert outside == "::warning file=/x/f.py::m"


def test_summary_has_stages_outcome_and_checks(passed: list[Event], tmp_path: Path) -> None:
    summary = show(passed, tmp_path).summary
    assert summary.startswith("### hello: passed, 5.5 s\n")
    assert "| code | ✅ passed | 4f2c on main | 2.0 s |" in summary
    assert "| build | ♻️ reused | unchanged |  |" in summary
    assert "| Digest | `sha256:ab` |" in summary
    assert "| smoke | ⚠️ | is &#124; quick | took 2 s | 3 | 2.0 s |" in summary


def test_summary_of_a_failure_has_its_evidence(failed: list[Event], tmp_path: Path) -> None:
    summary = show(failed, tmp_path).summary
    assert "| build | ❌ failed | pip ended with exit code 1 | 4.0 s |" in summary
    assert "```text\nCollecting flsk\nlast ::error::boo ##[error]bah\n```" in summary
    assert "Next: Fix requirements.txt." in summary


def test_outputs_cannot_be_injected(tmp_path: Path) -> None:
    end = RunFinished(seconds=1.0, outcome={"url": "x\nEOF\nrelease=evil", "release": "r1"})
    lines = show([RunStarted(run="R"), end], tmp_path).output.splitlines()
    values: dict[str, str] = {}
    while lines:
        name, _, delimiter = lines.pop(0).partition("<<")
        stop = lines.index(delimiter)
        values[name], lines = "\n".join(lines[:stop]), lines[stop + 1 :]
    assert values == {
        "run": "R", "status": "passed", "url": "x\nEOF\nrelease=evil", "release": "r1",
    }  # fmt: skip
    assert len(set(re.findall("<<(.+)", output_text({"a": "1", "b": "2"})))) == 2


@pytest.mark.parametrize("text", ["`", "``` x ````", "no"])
def test_a_fence_is_longer_than_what_it_holds(text: str) -> None:
    first, *_, last = fenced(text)
    assert first.startswith(last) and last not in text


def test_a_cell_is_no_markup() -> None:
    assert cell("a|b `c` <i> [x](y) *z* \x1b[1m") == (
        "a&#124;b \\`c\\` \\<i\\> \\[x\\]\\(y\\) \\*z\\* "
    )


def test_files_that_cannot_be_written_are_a_warning(tmp_path: Path) -> None:
    shown = show([RunStarted(), RunFinished()], tmp_path, GITHUB_OUTPUT=str(tmp_path))
    assert shown.commands() == ["::warning::GITHUB_OUTPUT cannot be written: Is a directory"]


def test_allowed_failures_and_notes(tmp_path: Path) -> None:
    events: list[Event] = [
        StageStarted(stage="scan"),
        Notice(stage="scan", message="::error::only a note"),
        CheckFinished(stage="scan", check="c"),
        StageFinished(stage="scan", status="allowed_failure", seconds=1.0,
                      error=ErrorInfo(kind="X", message="2 findings")),
    ]  # fmt: skip
    assert show(events, tmp_path).commands() == [
        "::group::scan", "::endgroup::", "::warning title=scan failure::2 findings",
    ]  # fmt: skip
