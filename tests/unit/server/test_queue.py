"""What was accepted is on the disk, once; a burst is one job."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import NotFound, StoreUnusable
from pipeline.server.queue import Delivery, Queue, Seen
from pipeline.server.wishes import Wish
from pipeline.store import Home

MAIN = Wish("push", "refs/heads/main", "a" * 40)
RUN = "20260101T000000-aaaa"


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(Home(tmp_path / "home"))


def delivery(key: str, *wishes: Wish, reason: str = "", project: str = "hello") -> Delivery:
    return Delivery(project, key, "github", "push", wishes, reason)


def test_a_repeated_delivery_is_a_duplicate_even_within_one_write(queue: Queue) -> None:
    receipts = queue.take([delivery("1", MAIN), delivery("1", MAIN)])
    again = queue.take([delivery("1", MAIN), delivery("1", MAIN, project="other")])

    assert [r.verdict for r in receipts + again] == ["queued", "duplicate", "duplicate", "queued"]
    assert len(queue.jobs("hello")) == 1
    assert receipts[0].job == again[0].job


def test_a_burst_is_one_job_with_the_newest_commit(queue: Queue) -> None:
    for number in range(20):
        queue.take([delivery(str(number), Wish("push", MAIN.ref, f"{number:040x}"))])

    (job,) = queue.jobs("hello", state="queued")
    assert job.commit == f"{19:040x}"
    assert len(queue.deliveries("hello")) == 20


def test_what_comes_while_a_job_runs_is_another_one(queue: Queue) -> None:
    queue.put("hello", MAIN)
    first = queue.claim("hello", RUN)
    queue.put("hello", MAIN)
    queue.put("hello", MAIN)

    assert first is not None
    assert [job.state for job in queue.jobs("hello")] == ["queued", "running"]
    assert queue.claim("other", RUN) is None


def test_jobs_are_taken_in_the_order_in_which_they_came(queue: Queue) -> None:
    tag = Wish("push", "refs/tags/v1", "b" * 40)
    for wish in (MAIN, tag):
        queue.put("hello", wish)

    claimed = [queue.claim("hello", RUN), queue.claim("hello", RUN), queue.claim("hello", RUN)]
    assert [job and job.ref for job in claimed] == [MAIN.ref, tag.ref, None]


def test_a_job_ends_once_and_says_how(queue: Queue) -> None:
    number = queue.put("hello", MAIN)
    queue.claim("hello", RUN)
    queue.finish(number, "failed", "smoke: 500")
    queue.finish(number, "passed")

    job = queue.job(number)
    assert (job.state, job.result, job.message, job.run) == ("done", "failed", "smoke: 500", RUN)
    assert not queue.drop(number)
    with pytest.raises(NotFound):
        queue.job(99)


def test_a_job_that_is_put_back_gives_way_to_a_newer_one(queue: Queue) -> None:
    number = queue.put("hello", MAIN)
    job = queue.claim("hello", RUN)
    assert job is not None
    queue.put_back(job)
    assert queue.job(number).state == "queued"

    job = queue.claim("hello", RUN)
    assert job is not None and job.attempts == 1
    queue.put("hello", MAIN)
    queue.put_back(job)
    assert (queue.job(number).state, queue.job(number).result) == ("done", "superseded")


def test_refs_are_known_in_the_order_in_which_they_were_looked_at(queue: Queue) -> None:
    for ref, tip in (("refs/heads/a", "1"), ("refs/heads/b", "2"), ("refs/heads/a", "3")):
        queue.see("hello", ref, Seen(tip, tip))

    assert list(queue.tips("hello").items()) == [("refs/heads/b", "2"), ("refs/heads/a", "3")]
    assert queue.seen("hello", "refs/heads/c") is None


def test_what_is_old_is_forgotten_but_never_what_waits(queue: Queue) -> None:
    waiting = queue.put("hello", MAIN)
    for number in range(30):
        queue.take([delivery(str(number), reason="nothing to do")])
        done = queue.put("hello", Wish("push", f"refs/heads/{number}"))
        queue.claim("hello", RUN) if queue.job(waiting).state == "done" else None
        queue.finish(done, "passed")
    queue.prune("hello", keep=5)

    assert len(queue.deliveries("hello")) == 5
    assert [job.id for job in queue.jobs("hello", state="queued")] == [waiting]
    assert len(queue.jobs("hello")) == 6


def test_two_servers_see_the_same(tmp_path: Path, queue: Queue) -> None:
    other = Queue(Home(tmp_path / "home"))
    queue.take([delivery("1", MAIN)])
    assert other.take([delivery("1", MAIN)])[0].verdict == "duplicate"
    assert other.claim("hello", RUN) is not None
    assert queue.claim("hello", RUN) is None


def test_a_failed_write_keeps_nothing_and_says_so(queue: Queue) -> None:
    queue.close()
    with pytest.raises(StoreUnusable):
        queue.take([delivery("1", MAIN)])
