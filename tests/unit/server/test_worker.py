"""One project's jobs: what is run, what is not, and what is left when something dies in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.errors import GitUnusable, UsageError
from pipeline.scope import Scope
from pipeline.server.checkout import Fetched
from pipeline.server.config import ServedProject
from pipeline.server.queue import Delivery, Job, Queue
from pipeline.server.runs import Result
from pipeline.server.wishes import Wish
from pipeline.server.worker import Worker
from pipeline.store import Home

MAIN = "refs/heads/main"
PATIENCE = 60.0


@dataclass
class FakeCode:
    """A repository whose commits are words; those with a ``'`` are our own records."""

    at: dict[str, str] = field(default_factory=lambda: {MAIN: "one"})
    files: list[str] = field(default_factory=list)
    broken: str = ""
    checked_out: str = ""
    tags: bool = True

    def refs(self, scope: Scope) -> dict[str, str]:
        if self.broken:
            raise GitUnusable(self.broken)
        return {
            ref: at for ref, at in self.at.items() if self.tags or ref.startswith("refs/heads/")
        }

    def fetch(self, ref: str, commit: str, scope: Scope) -> Fetched:
        self.checked_out = self.at[ref]
        return Fetched(Path("/checkout"), self.at[ref], self.at[ref].rstrip("'"))

    def fetch_pull(self, commit: str, scope: Scope) -> Fetched:
        return Fetched(Path("/pull"), commit, commit)

    def changed(self, old: str, new: str) -> list[str] | None:
        return self.files

    def is_record(self, commit: str) -> bool:
        return commit.endswith("'")

    def kept(self, commits: Collection[str]) -> Fetched | None:
        here = self.checked_out
        return Fetched(Path("/checkout"), here, here) if here in commits else None


@dataclass
class FakeRuns:
    """Runs that end at once, unless they are ``held``."""

    results: list[str] = field(default_factory=list)
    ran: list[tuple[str, str]] = field(default_factory=list)
    known: dict[str, Result] = field(default_factory=dict)
    held: threading.Event | None = None
    refuses: str = ""
    began: threading.Event = field(default_factory=threading.Event)

    def check(self, fetched: Fetched) -> None:
        if self.refuses:
            raise UsageError(self.refuses)

    def carry_out(
        self, job: Job, fetched: Fetched, scope: Scope, meanwhile: Callable[[], None]
    ) -> Result:
        self.ran.append((job.name, fetched.tip))
        self.began.set()
        while self.held is not None and not self.held.is_set():
            meanwhile()
            if scope.cancelled:
                return Result("cancelled", "cancelled")
            time.sleep(0.01)
        return Result(self.results.pop(0) if self.results else "passed")

    def test(self, job: Job, trusted: Fetched, fetched: Fetched, scope: Scope) -> Result:
        self.ran.append((f"{job.name} by {trusted.tip}", fetched.tip))
        return Result("passed")

    def found(self, job: Job, scope: Scope) -> Result | None:
        return self.known.get(str(job.run))


@dataclass
class World:
    queue: Queue
    code: FakeCode = field(default_factory=FakeCode)
    runs: FakeRuns = field(default_factory=FakeRuns)
    told: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(2))
    poll: float = 3600.0

    def start(self, **options: object) -> Worker:
        """A server begins; the project has ``options``."""
        facts = {"name": "hello", "repository": "/origin", "secret": "HOOK", **options}
        worker = Worker(
            ServedProject.model_validate(facts), self.queue, self.code, self.runs, gate=self.gate,
            poll=self.poll, log=self.lines.append,
            tell=lambda job: self.told.append((job.state, job.result)),
        )  # fmt: skip
        self.workers.append(worker)
        worker.start()
        return worker

    def push(self, commit: str, ref: str = MAIN, kind: str = "push") -> int:
        """Somebody pushes, and a delivery comes."""
        self.code.at[ref] = commit
        return self.deliver(commit, ref, kind)

    def deliver(self, commit: str, ref: str = MAIN, kind: str = "push") -> int:
        job = self.queue.put("hello", Wish(kind, ref, commit))  # type: ignore[arg-type] # a literal
        for worker in self.workers:
            worker.wake()
        return job

    def quiet(self) -> None:
        """Wait until there is nothing to do."""
        until(lambda: self.queue.tips("hello") and not self.open())

    def open(self) -> list[Job]:
        return [job for job in self.queue.jobs("hello", limit=2000) if job.state != "done"]

    def results(self) -> list[str]:
        return [job.result for job in reversed(self.queue.jobs("hello"))]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(Queue(Home(tmp_path / "home")))
    yield made
    for worker in made.workers:
        worker.stop()
    assert all(worker.join(PATIENCE) for worker in made.workers)


def test_a_branch_that_is_named_is_run_at_the_first_start(world: World) -> None:
    world.start()
    world.quiet()
    assert world.runs.ran == [("main", "one")]
    assert world.told == [("running", ""), ("done", "passed")]


def test_of_branches_and_tags_by_pattern_only_what_is_pushed_from_then_on(world: World) -> None:
    world.code.at |= {"refs/heads/wip": "w", "refs/tags/v1": "t"}
    world.start(branches=["*"], tags=["v*"])
    world.quiet()
    assert world.runs.ran == []

    world.push("two", "refs/tags/v2")
    world.quiet()
    until(lambda: world.runs.ran == [("v2", "two")])


def test_tags_that_were_there_before_anybody_wanted_tags_are_not_run(world: World) -> None:
    world.code.at |= {f"refs/tags/v{number}": "t" for number in range(5)}
    world.code.tags = False
    world.start()
    world.quiet()
    world.workers[0].stop()
    assert world.workers[0].join(PATIENCE)

    world.code.tags = True
    world.start(tags=["v*"])
    until(lambda: len(world.queue.tips("hello")) == 6)
    world.push("t9", "refs/tags/v9")
    world.quiet()
    until(lambda: world.runs.ran == [("main", "one"), ("v9", "t9")])


def test_a_push_that_was_missed_is_made_up(world: World) -> None:
    world.start()
    world.quiet()
    world.workers[0].stop()
    assert world.workers[0].join(PATIENCE)

    world.code.at[MAIN] = "two"
    world.start()
    until(lambda: ("main", "two") in world.runs.ran)


def test_a_push_that_no_delivery_tells_of_is_found(world: World) -> None:
    world.poll = 0.05
    world.start()
    world.quiet()
    world.code.at[MAIN] = "two"
    until(lambda: world.runs.ran == [("main", "one"), ("main", "two")])


def test_a_thousand_pushes_are_two_runs_at_most_and_the_last_one_counts(world: World) -> None:
    world.start()
    world.quiet()
    world.runs.held = threading.Event()
    world.runs.began.clear()
    world.push("p0")
    assert world.runs.began.wait(PATIENCE)
    for number in range(1, 1000):
        commit = world.code.at[MAIN] = f"p{number}"
        wish = Wish("push", MAIN, commit)
        world.queue.take([Delivery("hello", str(number), "github", "push", (wish,))])
    world.runs.held.set()
    world.workers[0].wake()
    world.quiet()

    assert world.runs.ran == [("main", "one"), ("main", "p0"), ("main", "p999")]


def test_a_late_or_repeated_delivery_brings_no_old_commit_back(world: World) -> None:
    world.start()
    world.quiet()
    world.push("two")
    world.quiet()
    world.deliver("one")
    world.quiet()

    assert world.runs.ran == [("main", "one"), ("main", "two")]
    assert world.results() == ["passed", "passed", "unchanged"]


def test_a_branch_that_was_set_back_is_run_as_it_is_now(world: World) -> None:
    world.start()
    world.quiet()
    for commit in ("two", "one"):
        world.push(commit)
        world.quiet()
    assert [tip for _, tip in world.runs.ran] == ["one", "two", "one"]


def test_our_own_record_starts_nothing(world: World) -> None:
    world.start(cancel="outdated")
    world.quiet()
    world.push("one'")
    world.quiet()

    assert world.runs.ran == [("main", "one")]
    assert world.results() == ["passed", "unchanged"]


def test_whoever_asks_gets_a_run(world: World) -> None:
    world.start()
    world.quiet()
    world.deliver("", kind="asked")
    world.quiet()
    assert world.runs.ran == [("main", "one"), ("main", "one")]


def test_a_new_base_image_means_a_run_of_what_was_run_last(world: World) -> None:
    world.code.at["refs/heads/next"] = "n"
    world.start(branches=["main", "next"])
    world.quiet()
    world.push("two")
    world.quiet()
    world.deliver("", ref="", kind="image")
    world.quiet()
    assert world.runs.ran[-1] == ("main", "two")
    assert len(world.runs.ran) == 4


def test_only_changes_to_certain_files_count(world: World) -> None:
    world.start(paths=["src/*", "!*.md"])
    world.quiet()
    world.code.files = ["docs/a.md", "src/README.md"]
    world.push("two")
    world.quiet()
    world.code.files = ["src/app.py"]
    world.push("three")
    world.quiet()
    assert [tip for _, tip in world.runs.ran] == ["one", "three"]


def test_a_newer_commit_ends_an_outdated_run_where_that_is_wanted(world: World) -> None:
    world.runs.held = threading.Event()
    world.start(cancel="outdated")
    assert world.runs.began.wait(PATIENCE)
    world.deliver("one")
    world.push("one'")  # what the run itself has pushed
    until(lambda: not world.workers[0]._wake.is_set())
    assert not world.told[1:]

    world.push("two")
    until(lambda: len(world.runs.ran) == 2)
    world.runs.held.set()
    world.quiet()
    assert world.runs.ran == [("main", "one"), ("main", "two")]
    assert world.results()[0] == "cancelled"


def test_a_run_can_be_cancelled_by_hand_and_is_not_made_up(world: World) -> None:
    world.poll = 0.05
    world.runs.held = threading.Event()
    worker = world.start()
    assert world.runs.began.wait(PATIENCE)
    (running,) = world.open()
    waiting = world.deliver("", kind="asked")

    assert worker.cancel(waiting)
    assert worker.cancel(running.id)
    assert not worker.cancel(waiting)
    world.quiet()
    assert world.results() == ["cancelled", "cancelled"]
    assert len(world.runs.ran) == 1


def test_a_server_that_stops_runs_the_job_again_when_it_is_back(world: World) -> None:
    world.runs.held = threading.Event()
    worker = world.start()
    assert world.runs.began.wait(PATIENCE)
    worker.stop()
    assert worker.join(PATIENCE)
    assert [job.state for job in world.open()] == ["queued"]

    world.runs.held.set()
    world.start()
    world.quiet()
    assert world.runs.ran == [("main", "one"), ("main", "one")]
    assert world.results() == ["passed"]


def test_a_server_that_was_killed_takes_up_what_it_began(world: World) -> None:
    world.queue.put("hello", Wish("push", MAIN, "one"))
    world.queue.claim("hello", "20260101T000000-aaaa")  # and killed before the run began
    world.start()
    world.quiet()

    assert world.runs.ran == [("main", "one")]
    (job,) = world.queue.jobs("hello")
    assert (job.result, job.attempts) == ("passed", 1)


@pytest.mark.parametrize("result", ["passed", "failed"])
def test_a_run_that_came_to_its_end_without_the_server_is_not_run_again(
    world: World, result: str
) -> None:
    number = world.queue.put("hello", Wish("push", MAIN, "one"))
    world.queue.claim("hello", "20260101T000000-aaaa")
    world.queue.fix(number, MAIN, "one")
    world.runs.known["20260101T000000-aaaa"] = Result(result)
    world.start()
    world.quiet()

    assert world.runs.ran == []
    assert world.queue.job(number).result == result


def test_a_run_that_died_is_run_once_more_and_no_more(world: World) -> None:
    world.runs.results = ["lost", "lost"]
    found = Result("lost", "the run died")
    world.runs.found = lambda job, scope: found if world.runs.ran else None  # type: ignore[method-assign] # fake
    world.start()
    until(lambda: world.results() == ["lost"])

    assert len(world.runs.ran) == 2
    (job,) = world.queue.jobs("hello")
    assert job.attempts == 2


def test_what_could_not_be_used_is_tried_again_but_not_for_ever(world: World) -> None:
    world.poll = 0.05
    world.runs.results = ["unusable"] * 10
    world.start()
    until(lambda: world.results()[:3] == ["unusable"] * 3)
    before = len(world.runs.ran)
    time.sleep(0.3)
    assert (before, len(world.runs.ran)) == (3, 3)


def test_a_repository_that_does_not_answer_is_asked_again(world: World) -> None:
    world.poll = 0.05
    world.code.broken = "no route to host"
    worker = world.start()
    until(lambda: worker.trouble)
    world.code.broken = ""
    world.quiet()
    assert (worker.trouble, world.runs.ran) == ("", [("main", "one")])


def test_a_file_that_cannot_be_used_is_told_and_not_tried_for_ever(world: World) -> None:
    world.poll = 0.05
    world.runs.refuses = "pipeline.yml:3: unknown key"
    world.start()
    world.quiet()
    time.sleep(0.3)

    (job,) = world.queue.jobs("hello")
    assert (job.result, job.message) == ("refused", "pipeline.yml:3: unknown key")
    assert world.told == [("done", "refused")]


def test_a_branch_that_is_gone_is_told_so(world: World) -> None:
    world.start(branches=["*"])
    world.quiet()
    world.deliver("x", "refs/heads/gone")
    world.quiet()
    assert world.results() == ["refused"]


def test_a_bug_in_one_job_does_not_end_those_that_follow(world: World) -> None:
    world.start()
    world.quiet()
    broken = world.runs.carry_out
    world.runs.carry_out = lambda *_: 1 / 0  # type: ignore[assignment, method-assign, return-value] # a bug
    world.push("two")
    world.quiet()
    world.runs.carry_out = broken  # type: ignore[method-assign] # mended
    world.push("three")
    world.quiet()
    assert world.results() == ["passed", "failed", "passed"]
    assert any("ZeroDivisionError" in line for line in world.lines)


def test_a_pull_request_is_tested_and_is_never_what_was_run_last(world: World) -> None:
    world.start(pull_requests=True)
    world.quiet()
    world.deliver("theirs", "refs/pull/7/head", "pull")
    world.quiet()
    world.deliver("", ref="", kind="image")
    world.quiet()

    assert world.runs.ran == [("main", "one"), ("pull/7/head by one", "theirs"), ("main", "one")]
    assert list(world.queue.tips("hello")) == [MAIN]


def test_projects_share_the_places_that_there_are(world: World) -> None:
    world.gate = threading.Semaphore(0)
    world.start()
    time.sleep(0.2)
    assert world.runs.ran == []
    world.gate.release()
    world.quiet()
    assert world.runs.ran == [("main", "one")]


def test_a_rollback_takes_its_turn_and_leaves_the_refs_alone(world: World) -> None:
    world.push("one")
    world.start()
    world.quiet()
    before = world.queue.tips("hello")
    world.queue.put("hello", Wish("rollback", "r12"))
    world.workers[0].wake()
    until(lambda: not world.open())
    assert world.runs.ran[-1] == ("r12", "one")
    assert world.results()[-1] == "passed"
    assert world.queue.tips("hello") == before


def test_without_git_a_rollback_uses_the_checkout_that_is_here_if_it_is_ours(world: World) -> None:
    world.push("one")
    world.start()
    world.quiet()
    world.code.broken = "the git server is down"
    ran = len(world.runs.ran)
    for checked_out, result in (("one", "passed"), ("of a stranger", "unusable")):
        world.code.checked_out = checked_out
        world.queue.put("hello", Wish("rollback", "r12"))
        world.workers[0].wake()
        until(lambda: not world.open())
        assert world.results()[-1] == result
    assert len(world.runs.ran) == ran + 1
