"""The loop of ``watch``, on an engine in memory: every change comes from a script."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.adapters.fake_engine import Program, says
from pipeline.app.running import RunOptions
from pipeline.app.watch import Change, prepare, watch
from pipeline.app.watch.inbox import GRACE
from pipeline.app.watch.setup import Wish
from pipeline.app.watch.sources import Branch, Complain, Tell
from pipeline.app.workspace import Request, Workspace
from pipeline.errors import DockcycleError, Exit, GitUnusable
from pipeline.events import Event, Notice, RunFinished, Sink, StageStarted
from pipeline.ports.repo import Located
from pipeline.scope import Scope
from tests.support.desk import Desk

PATIENCE = 30.0


@dataclass
class Host:
    """Takes down what it is told; ``until`` waits for as many events of a kind."""

    folder: Path
    events: list[Event] = field(default_factory=list)
    errors: list[DockcycleError] = field(default_factory=list)
    more: threading.Condition = field(default_factory=threading.Condition)
    fail: list[DockcycleError] = field(default_factory=list)

    def workspace(self, changes: Sequence[Change], scope: Scope) -> Workspace:
        if self.fail:
            raise self.fail.pop()
        return Workspace(Request(self.folder, dict(os.environ), trigger="watch"))

    @contextmanager
    def rendering(self) -> Iterator[Sink]:
        yield self._take

    def complain(self, error: DockcycleError) -> None:
        with self.more:
            self.errors.append(error)
            self.more.notify_all()

    def _take(self, event: Event) -> None:
        with self.more:
            self.events.append(event)
            self.more.notify_all()

    def until(self, ready: Callable[[], bool]) -> None:
        with self.more:
            assert self.more.wait_for(ready, PATIENCE), self.told

    @property
    def told(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Notice)]

    @property
    def ended(self) -> list[str]:
        return [event.status for event in self.events if isinstance(event, RunFinished)]

    def idle(self, times: int) -> None:
        """Until it waits for changes for the n-th time."""
        self.until(lambda: sum("Ctrl-C ends" in line for line in self.told) == times)


@dataclass
class Script:
    """A source that does what it is told to, and then presses Ctrl-C."""

    act: Callable[[Tell], None]
    what: str = "a script"
    failure: BaseException | None = None

    def follow(self, tell: Tell, complain: Complain, scope: Scope) -> None:
        try:
            self.act(tell)
        except BaseException as error:  # noqa: BLE001 - of a thread: told by the test
            self.failure = error
        os.kill(os.getpid(), signal.SIGINT)


def run(host: Host, act: Callable[[Tell], None]) -> int:
    script = Script(act)
    code = watch(host, [script], RunOptions())
    if script.failure:
        raise script.failure
    return code


@pytest.fixture
def host(desk: Desk) -> Host:
    return Host(desk.folder)


def saved(desk: Desk, tell: Tell, text: str) -> None:
    desk.write("app.py", text)
    tell(Change(paths=frozenset({"app.py"})))


def test_it_runs_and_runs_again_and_ctrl_c_ends_it(desk: Desk, host: Host) -> None:
    def act(tell: Tell) -> None:
        host.idle(1)
        saved(desk, tell, "print('ho')\n")
        host.idle(2)

    assert run(host, act) == Exit.INTERRUPTED
    assert host.ended == ["passed", "passed"]
    assert "app.py changed" in host.told
    newest, oldest = desk("history", "--json").json()
    assert (newest["trigger"], newest["outcome"]["release"]) == ("watch", "r2")
    assert oldest["outcome"]["release"] == "r1"


def test_what_changes_nothing_starts_nothing(desk: Desk, host: Host) -> None:
    assert desk("run", "--output", "plain").code == 0

    def act(tell: Tell) -> None:
        host.idle(1)
        saved(desk, tell, "print('hi')\n")  # as it was
        host.idle(2)

    assert run(host, act) == Exit.INTERRUPTED
    assert host.ended == [] and "everything is up to date" in host.told
    assert len(desk("history", "--json").json()) == 1


def test_a_failing_change_leaves_the_app_as_it_was(desk: Desk, host: Host) -> None:
    def act(tell: Tell) -> None:
        host.idle(1)
        desk.engine.behave(Program(exits=3))
        saved(desk, tell, "print('no')\n")
        host.idle(2)
        desk.engine.behave(Program(answer=says("hi")))
        saved(desk, tell, "print('yes')\n")
        host.idle(3)

    run(host, act)
    assert host.ended == ["passed", "failed", "passed"]
    failed = next(e for e in host.events if isinstance(e, RunFinished) and e.status == "failed")
    assert failed.serving is not None and failed.serving.release == "r1"


def test_a_newer_change_ends_the_run_of_an_older_one(desk: Desk, host: Host) -> None:
    held = threading.Event()
    enter = desk.engine.state.enter

    def slow(verb: str, *about: str) -> None:
        if verb == "create" and not held.is_set():
            held.wait(PATIENCE)
        enter(verb, *about)

    desk.engine.state.enter = slow  # type: ignore[method-assign] # the fake's door

    def act(tell: Tell) -> None:
        host.until(lambda: any(getattr(e, "stage", "") == "run" for e in host.events))
        saved(desk, tell, "print('newer')\n")
        held.set()
        host.idle(1)

    run(host, act)
    assert host.ended == ["interrupted", "passed"]
    assert len(desk("history", "--json").json()) == 2
    assert desk("status").out.count("r1") >= 1


def test_a_mistake_in_the_file_is_told_and_waited_out(desk: Desk, host: Host) -> None:
    desk.change("port: 5000", "prot: 5000")

    def act(tell: Tell) -> None:
        host.idle(1)
        desk.change("prot: 5000", "port: 5000")
        tell(Change(paths=frozenset({"pipeline.yml"})))
        host.idle(2)

    run(host, act)
    assert "prot" in host.errors[0].message and host.ended == ["passed"]


def test_an_unreachable_repository_is_told_and_waited_out(desk: Desk, host: Host) -> None:
    host.fail = [GitUnusable("no answer")]

    def act(tell: Tell) -> None:
        host.idle(1)
        tell(Change("main is at 4f2c"))
        host.idle(2)

    run(host, act)
    assert [error.message for error in host.errors] == ["no answer"] and host.ended == ["passed"]


def test_ctrl_c_in_a_run_ends_both(desk: Desk, host: Host) -> None:
    def act(tell: Tell) -> None:
        host.until(lambda: any(isinstance(event, StageStarted) for event in host.events))

    desk.change("smoke: {", "smoke: {within: 60s, ")
    desk.change("{body: hi}", "{body: never}")
    assert run(host, act) == Exit.INTERRUPTED
    assert host.ended == ["interrupted"]


# sources


def test_a_branch_is_asked_and_a_silent_server_told_once() -> None:
    answers = iter(["a" * 40, "down", "down", "a" * 40, "b" * 40])
    told: list[str] = []
    errors: list[str] = []
    scope = Scope()

    class Asked:
        def locate(self, url: str, ref: str, scope_: Scope) -> Located:
            answer = next(answers, None)
            if answer is None:
                scope.cancel()
                raise GitUnusable("over")
            if answer == "down":
                raise GitUnusable("no answer")
            return Located(commit=answer)

    branch = Branch(Asked(), "url", "main", "shown", 0.001)  # type: ignore[arg-type] # one verb
    branch.follow(
        lambda change: told.append(str(change)), lambda error: errors.append(error.message), scope
    )
    assert told == ["main is at bbbbbbbbbbbb"] and errors == ["no answer"]


def test_files_are_really_watched(desk: Desk) -> None:
    workspace = Workspace(Request(desk.folder, dict(os.environ), trigger="watch"))
    _, [files] = prepare(workspace, Wish())
    scope, told = Scope(), threading.Event()
    found: list[Change] = []

    def tell(change: Change) -> None:
        found.append(change)
        told.set()

    thread = threading.Thread(target=files.follow, args=(tell, found.append, scope), daemon=True)
    thread.start()
    for number in range(200):  # until the watch is set up
        desk.write("app.py", f"print({number})\n")
        desk.write("app.py~", "left by an editor")
        if told.wait(0.3):
            break
    scope.cancel()
    thread.join(PATIENCE)
    assert found[0] == Change(paths=frozenset({"app.py"})) and not thread.is_alive()


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("--branch", "main"), "--branch goes with --git"),
        (("--git",), "the remote `origin`"),
        (("--base",), "pipeline.lock"),
        (("--git", "--interval", "0"), "a second at least"),
    ],
)
def test_what_cannot_be_followed(desk: Desk, argv: tuple[str, ...], told: str) -> None:
    said = desk("watch", *argv)
    assert said.code == 2 and told in said.err


def test_the_grace_outlasts_what_is_collected() -> None:
    from pipeline.app.watch.sources import DEBOUNCE, STEP

    assert (DEBOUNCE + STEP) / 1000 < GRACE
