"""Deliveries by the thousand against a real server, and a table of what became of them.

Needs git, and no Docker engine: the pipeline that is served only runs a check. All of it goes to
the loopback address of this machine. Arguments choose among the experiments.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.load.client import Answer, post_all
from tests.load.site import Site

CONNECTIONS = 50
DELIVERIES = 5000
BURST = 1000
WANTED_P99 = 0.100
WANTED_GROWTH = 20.0
"""MB."""


@dataclass(frozen=True)
class Row:
    what: str
    found: str
    wanted: str
    fine: bool

    def __str__(self) -> str:
        return f"{'ok  ' if self.fine else 'FAIL'} {self.what:<52} {self.found:<26} {self.wanted}"


def main(names: Sequence[str]) -> int:
    chosen = [one for one in EXPERIMENTS if not names or one.__name__ in names]
    with tempfile.TemporaryDirectory(prefix="dockcycle-load-") as folder:
        site = Site(Path(folder))
        try:
            site.start()
            rows = [show(row) for experiment in chosen for row in experiment(site)]
        finally:
            site.kill()
    return 0 if all(row.fine for row in rows) else 1


def show(row: Row) -> Row:
    print(row, flush=True)
    return row


def many(site: Site) -> Iterator[Row]:
    """Deliveries to a branch that is run for, and to others, by turns."""
    site.settle()
    for _ in range(2):  # a first round, after which memory is what it will be
        before, known = site.memory(), site.kept()
        requests = [
            site.delivery(site.tip, branch="main" if number % 10 == 0 else f"b{number}")
            for number in range(DELIVERIES)
        ]
        answers = asyncio.run(post_all(site.address, requests, CONNECTIONS))
    times = sorted(answer.seconds for answer in answers)
    p99 = times[int(len(times) * 0.99)]
    head = f"{DELIVERIES} deliveries by {CONNECTIONS} connections"
    yield Row(f"{head}: p50", f"{statistics.median(times) * 1000:.0f} ms", "", True)
    yield Row(f"{head}: p99", f"{p99 * 1000:.0f} ms", "< 100 ms", p99 < WANTED_P99)
    yield Row(f"{head}: slowest", f"{times[-1] * 1000:.0f} ms", "", True)
    answered = Counter(answer.status for answer in answers)
    good = sum(answered[code] for code in (200, 202))
    yield Row("  answered 202 or 200", str(good), str(DELIVERIES), good == DELIVERIES)
    kept = site.kept() - known
    yield Row("  on the disk", str(kept), str(DELIVERIES), kept == DELIVERIES)
    grown = site.memory() - before
    told = f"{before:.0f} → {before + grown:.0f} MB"
    yield Row("  memory of the server", told, f"+ < {WANTED_GROWTH:.0f} MB", grown < WANTED_GROWTH)


def burst(site: Site) -> Iterator[Row]:
    """Pushes of one branch, one after the other, each with its delivery."""
    site.settle()
    runs = len(site.runs())
    last = site.push()
    requests = [site.delivery(f"{number:040x}") for number in range(1, BURST)]
    started = time.monotonic()
    answers = asyncio.run(post_all(site.address, [*requests, site.delivery(last)], 10))
    took = time.monotonic() - started
    site.settle()
    made = site.runs()[runs:]
    what = f"{BURST} pushes of one branch in {took:.0f} s"
    accepted = sum(answer.status == 202 for answer in answers)
    yield Row(f"{what}: accepted", str(accepted), str(BURST), accepted == BURST)
    yield Row(f"{what}: runs", str(len(made)), "at most 2", 1 <= len(made) <= 2)
    ended = made[-1].outcome.get("commit") if made else None
    yield Row("  what was run last", str(ended)[:12], last[:12], ended == last)


def same(site: Site) -> Iterator[Row]:
    """One delivery, a hundred times at once."""
    site.settle()
    runs = len(site.runs())
    request = site.delivery(site.push())
    answers = asyncio.run(post_all(site.address, [request] * 100, CONNECTIONS))
    site.settle()
    made = len(site.runs()) - runs
    accepted = sum(answer.status == 202 for answer in answers)
    yield Row("the same delivery 100 times: accepted", str(accepted), "1", accepted == 1)
    yield Row("the same delivery 100 times: runs", str(made), "1", made == 1)


def unsigned(site: Site) -> Iterator[Row]:
    """Signatures that are wrong."""
    site.settle()
    kept = site.kept()
    requests = [site.delivery(site.tip, secret=f"guess {number}") for number in range(500)]
    answers: list[Answer] = asyncio.run(post_all(site.address, requests, CONNECTIONS))
    refused = sum(answer.status == 401 for answer in answers)
    yield Row(
        "500 deliveries that are signed wrongly: refused", str(refused), "500", refused == 500
    )
    more = site.kept() - kept
    yield Row("  on the disk", str(more), "0", more == 0)


def killed(site: Site) -> Iterator[Row]:
    """The server dies between accepting a delivery and its run."""
    outcomes: Counter[int] = Counter()
    rounds = 10
    for _ in range(rounds):
        site.settle()
        runs = len(site.runs())
        commit = site.push()
        (answer,) = asyncio.run(post_all(site.address, [site.delivery(commit)], 1))
        assert answer.status == 202, answer
        site.kill()
        site.start()
        site.until_ran(commit)
        site.settle()
        outcomes[len(site.runs()) - runs] += 1
    told = ", ".join(f"{count}× {runs}" for runs, count in outcomes.items())
    what = f"killed {rounds} times after accepting: runs of each"
    yield Row(what, told, f"{rounds}× 1", outcomes == {1: rounds})


def missed(site: Site) -> Iterator[Row]:
    """A push while the server is down."""
    site.settle()
    site.kill()
    commit = site.push()
    site.start()
    site.until_ran(commit)
    yield Row("a push while the server was down", "made up", "made up", True)


EXPERIMENTS = (many, burst, same, unsigned, killed, missed)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
