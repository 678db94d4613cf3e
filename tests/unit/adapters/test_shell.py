"""Commands on this machine, with the programs that every machine has."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline.adapters import shell
from pipeline.adapters.shell import LocalShell, run_argv
from pipeline.errors import Cancelled, DeadlineExceeded, NotFound
from pipeline.scope import Scope


def scope(seconds: float = 20) -> Scope:
    return Scope(seconds, what="command")


def gone(pid: int, within: float = 5) -> bool:
    """Does the process end? One that waits for its parent to take note has ended."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_output_comes_line_by_line_from_both_streams() -> None:
    lines: list[str] = []
    result = LocalShell().run(
        ["sh", "-c", "echo one; echo two >&2; printf three; exit 4"], on_line=lines.append,
        scope=scope(),
    )  # fmt: skip
    assert (result.exit_code, result.output) == (4, "one\ntwo\nthree")
    assert lines == ["one", "two", "three"]
    assert 0 < result.seconds < 20


def test_words_are_no_shell(tmp_path: Path) -> None:
    result = LocalShell().run(["echo", "$(touch x)", ";", "touch y"], cwd=str(tmp_path),
                              scope=scope())  # fmt: skip
    assert result.output == "$(touch x) ; touch y\n"
    assert list(tmp_path.iterdir()) == []


def test_the_environment_is_added_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INHERITED", "a")
    result = LocalShell().run(["sh", "-c", "echo $INHERITED $ADDED"], environment={"ADDED": "b"},
                              scope=scope())  # fmt: skip
    assert result.output == "a b\n"


def test_stdin_is_fed_or_empty() -> None:
    text = "x" * 300_000
    assert LocalShell().run(["wc", "-c"], stdin=text, scope=scope()).output.strip() == "300000"
    assert LocalShell().run(["wc", "-c"], scope=scope()).output.strip() == "0"
    assert LocalShell().run(["true"], stdin=text, scope=scope()).exit_code == 0


def test_a_signal_is_a_negative_code() -> None:
    assert LocalShell().run(["sh", "-c", "kill -9 $$"], scope=scope()).exit_code == -9


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="no-such-program is not installed") as caught:
        run_argv(["no-such-program"], scope=scope(), hint="Install it.")
    assert caught.value.hint == "Install it."


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="missing does not exist"):
        run_argv(["true"], cwd=str(tmp_path / "missing"), scope=scope())


def test_a_file_that_is_no_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("notes")
    with pytest.raises(NotFound, match="cannot be run: Permission denied"):
        run_argv([str(path)], scope=scope())


def test_much_output_is_capped_and_none_is_lost_to_the_listener() -> None:
    count = 0

    def on_line(line: str) -> None:
        nonlocal count
        count += len(line) + 1

    script = "import sys; [print('y' * 99) for _ in range(10_000)]; print('z' * 500_000)"
    result = run_argv([sys.executable, "-c", script], on_line=on_line, scope=scope())
    assert len(result.output) == 65536
    assert count >= 10_000 * 100 + 500_000


@pytest.mark.parametrize("script", ["sleep 60", "trap '' TERM; sleep 60 & wait; sleep 60"])
def test_everything_ends_with_the_deadline(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "GRACE", 0.3)
    pid = tmp_path / "pid"
    with pytest.raises(DeadlineExceeded):
        run_argv(["sh", "-c", f"echo $$ > {pid}; {script}"], scope=scope(0.5))
    assert gone(int(pid.read_text()))


def test_everything_ends_when_cancelled() -> None:
    running = scope(60)
    threading.Timer(0.3, running.cancel).start()
    before = time.monotonic()
    with pytest.raises(Cancelled):
        run_argv(["sleep", "60"], scope=running)
    assert time.monotonic() - before < 10


def test_children_do_not_outlive_the_command() -> None:
    """Nor does their hold on the output keep it waiting."""
    before = time.monotonic()
    result = run_argv(["sh", "-c", "sleep 60 & echo $!"], scope=scope())
    assert time.monotonic() - before < 10
    assert gone(int(result.output))


def test_a_listener_that_fails_ends_the_command() -> None:
    pids: list[int] = []

    def on_line(line: str) -> None:
        pids.append(int(line))
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_argv(["sh", "-c", "echo $$; sleep 60"], on_line=on_line, scope=scope())
    assert gone(pids[0])


def test_a_command_runs_without_our_terminal() -> None:
    script = "import os; print(os.getsid(0))"
    result = run_argv([sys.executable, "-c", script], scope=scope())
    assert int(result.output) != os.getsid(0)
