import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import Cancelled, DockcycleError, Exit, Location, Unusable
from tests.support.desk import Desk

SECRET = "s3cr3t-hunter2-value"


def break_status(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(workspace: object) -> None:
        raise error

    monkeypatch.setattr("pipeline.app.status.status", fail)


def test_a_mistake_is_told_with_its_line_and_the_next_step(desk: Desk) -> None:
    desk.change("port: 5000", "prot: 5000")
    said = desk("plan")
    assert said.code == 2 and said.out == ""
    assert said.err.splitlines()[0].startswith("error: pipeline.yml:7 (stages.run.prot): ")
    assert said.err.splitlines()[1] == "      7 |   - run: {prot: 5000}"
    assert said.err.splitlines()[2].startswith("  next: ") and "`port`" in said.err


def test_all_mistakes_are_told_at_once(desk: Desk) -> None:
    desk.change("port: 5000", "prot: 5000")
    desk.change("publish: 8000", "publsh: 8000")
    assert desk("validate").err.count("error: ") == 2


def test_mistakes_as_json_notices(desk: Desk) -> None:
    desk.change("port: 5000", "prot: 5000")
    [notice] = desk("run", "--output", "json").events()
    assert (notice["type"], notice["level"]) == ("notice", "error")
    assert notice["where"]["line"] == 7


def test_mistakes_as_annotations_that_spoil_no_output(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.change("port: 5000", "prot: 5000")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(desk.folder.parent))
    said = desk("validate", "--json")
    assert said.json()["valid"] is False
    said = desk("plan")
    assert said.out == ""
    first, stop, *quoted, end = said.err.splitlines()
    assert first.startswith("::error file=hello/pipeline.yml,line=7")
    assert end == f"::{stop.removeprefix('::stop-commands::')}::"
    assert "      7 |   - run: {prot: 5000}" in quoted


@pytest.mark.parametrize(
    "argv", [("bogus",), ("run", "--bogus"), ("run", "--output", "x"), ("diff", "a", "b", "c"), ()]
)
def test_usage(desk: Desk, argv: tuple[str, ...]) -> None:
    said = desk(*argv)
    assert said.code == 2 and said.out == ""
    assert said.err.startswith("error: ") and "--help` shows what there is." in said.err


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (("up",), "dockcycle run"),
        (("ps",), "dockcycle status"),
        (("biuld",), "dockcycle image build"),
        (("roll-back",), "dockcycle rollback"),
        (("image", "prun"), "dockcycle image prune"),
    ],
)
def test_a_word_of_other_tools_leads_to_the_command(
    desk: Desk, argv: tuple[str, ...], meant: str
) -> None:
    assert f"next: Did you mean `{meant}`?" in desk(*argv).err


def test_a_folder_that_is_not_there(desk: Desk) -> None:
    said = desk("-C", "/no/such/folder", "run")
    assert said.code == 2 and said.err == "error: -C: there is no folder /no/such/folder\n"


def test_the_version_wherever_it_is_asked_for(desk: Desk) -> None:
    assert desk("--output", "plain", "--version").out.startswith("dockcycle ")
    assert "--version" in desk("--help").out


def test_every_field_of_an_error_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    break_status(
        monkeypatch,
        Unusable("no\nanswer", hint="Try again.", detail="log \x1b[2Jline", where=Location("f", 3)),
    )
    said = desk("status")
    assert said.code == 4
    assert said.err.splitlines() == [
        "error: no", "error: answer", "  f:3", "  > log line", "  next: Try again.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Cancelled(exit_code=Exit.TERMINATED), 143),
        (Cancelled(), 130),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
    ],
)
def test_interruptions_are_quiet(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    break_status(monkeypatch, error)
    said = desk("status")
    assert (said.code, said.out, said.err) == (code, "", "")


def test_a_bug_is_ours_and_its_report_is_ready_to_paste(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_TOKEN", SECRET)
    break_status(monkeypatch, ZeroDivisionError(f"of {SECRET}"))
    said = desk("status", "--set", "stages.push.password=another-secret")
    assert said.code == 3
    file = Path(said.err.rsplit(": ", 1)[1].strip())
    text = file.read_text()
    assert file.parent == desk.folder.parent / "home" / "reports"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "ZeroDivisionError" in text and "in fail" in text and "dockcycle 0." in text
    for shown in (text, said.err):
        assert SECRET not in shown and "another-secret" not in shown


def test_a_report_that_cannot_be_written_is_shown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk.folder / "file").write_text("")
    monkeypatch.setenv("DOCKCYCLE_HOME", str(desk.folder / "file" / "home"))
    break_status(monkeypatch, ZeroDivisionError())
    said = desk("status")
    assert said.code == 3 and "Traceback" in said.err


def test_a_bug_within_a_stage_is_reported_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.engine.state.fail_always("build", TypeError("unexpected"))  # type: ignore[arg-type]
    said = desk("run", "--output", "plain")
    assert said.code == 3
    assert "This is a bug of dockcycle" in said.err
    assert "failed" in said.out


def test_shared_options_stand_on_both_sides(desk: Desk) -> None:
    desk.write("other.yml", "version: 1\nname: other\n")
    away = str(desk.folder.parent)
    os.chdir("/")
    for argv in (
        ("-C", str(desk.folder), "-f", "other.yml", "validate"),
        ("validate", "-C", str(desk.folder), "--file", "other.yml"),
        ("-C", away, "validate", "-C", str(desk.folder), "-f", "other.yml"),
    ):
        assert desk(*argv).out.startswith("other.yml is valid: other"), argv
    said = desk("-C", str(desk.folder), "--set", "name=a", "validate", "--set", "name=b")
    assert "valid: b" in said.out


def test_logs_keeps_its_own_f(desk: Desk) -> None:
    assert desk("run", "--output", "plain").code == 0
    assert desk("-f", "pipeline.yml", "logs").code == 0
    assert "--file FILE" in desk("logs", "--help").out
    assert "-f, --file" not in desk("logs", "--help").out


def test_nothing_heavy_is_loaded_for_help() -> None:
    code = (
        "import sys; sys.argv = ['dockcycle', '--help']\n"
        "from pipeline.__main__ import main\n"
        "assert main() == 0\n"
        "heavy = {'docker', 'git', 'requests', 'rich', 'pydantic', 'yaml', 'stages'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "rollback" in done.stdout
    assert done.stderr.strip() == "[]"


def test_version_loads_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pipeline", "--version"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith("dockcycle 0.")
    assert "typer" not in done.stderr and "importlib.metadata" not in done.stderr


def test_whoever_reads_may_stop(desk: Desk) -> None:
    assert desk("run", "--output", "plain").code == 0
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "schema"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, cwd=desk.folder,
    ) as process:  # fmt: skip
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_a_full_disk_is_no_bug(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    break_status(monkeypatch, OSError(errno.ENOSPC, "No space left on device", "/x/y"))
    said = desk("status")
    assert said.code == 4 and said.err.startswith("error: /x/y: No space left on device\n")
    break_status(monkeypatch, OSError(errno.ENOENT, "No such file", "/x/y"))
    assert desk("status").code == 3


def test_closed_and_full_outputs(desk: Desk) -> None:
    for redirection, code in ((">&-", 0), ("2>&-", 0), ("> /dev/full", 4)):
        done = subprocess.run(
            ["sh", "-c", f'"$0" -m pipeline validate {redirection}', sys.executable],
            cwd=desk.folder, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == code, (redirection, done.stderr)
        assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_errors_are_ours_all_the_way() -> None:
    """The door knows each kind by its class alone."""
    assert all(isinstance(kind.exit_code, Exit) for kind in DockcycleError.__subclasses__())
