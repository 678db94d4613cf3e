"""Deliveries by the thousand against a real server, and a table of what became of them.

Needs git, and no Docker engine: the pipeline that is served only runs a check. All of it goes to
the loopback address of this machine. Arguments choose among the experiments.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.load.client import Answer, post_all
from tests.load.hostile import hostile
from tests.load.rows import Row
from tests.load.site import Site

CONNECTIONS = 50
DELIVERIES = 5000
BURST, BURST_SECONDS = 1000, 10.0
FUZZED = 500
WANTED_P99 = 0.100
WANTED_GROWTH = 20.0
"""MB."""


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
    asyncio.run(post_all(site.address, _mixed(site, DELIVERIES), CONNECTIONS))  # what is cold
    known, memory = site.kept(), [site.memory()]
    answers: list[Answer] = []
    for _ in range(2):
        answers += asyncio.run(post_all(site.address, _mixed(site, DELIVERIES // 2), CONNECTIONS))
        memory.append(site.memory())
    times = sorted(answer.seconds for answer in answers)
    p50, p99, slowest = statistics.median(times), times[int(len(times) * 0.99)], times[-1]
    told = " / ".join(f"{seconds * 1000:.0f}" for seconds in (p50, p99, slowest))
    what = f"{DELIVERIES} deliveries by {CONNECTIONS} connections"
    yield Row(f"{what}: p50 / p99 / slowest", f"{told} ms", "p99 < 100 ms", p99 < WANTED_P99)
    answered = Counter(answer.status for answer in answers)
    good, kept = sum(answered[code] for code in (200, 202)), site.kept() - known
    yield Row("  answered 202 or 200", str(good), str(DELIVERIES), good == DELIVERIES)
    yield Row("  lost (accepted, and not on the disk)", str(good - kept), "0", good == kept)
    told, grown = " → ".join(f"{mb:.0f}" for mb in memory), memory[-1] - memory[0]
    fine = grown < WANTED_GROWTH
    yield Row("  memory: start → middle → end", f"{told} MB", f"+ < {WANTED_GROWTH:.0f} MB", fine)


def _mixed(site: Site, count: int) -> list[bytes]:
    return [
        site.delivery(site.tip, branch="main" if number % 10 == 0 else f"b{number}")
        for number in range(count)
    ]


def burst(site: Site) -> Iterator[Row]:
    """Pushes of one branch, each with its delivery, while a run takes as long as all of them."""
    site.settle()
    runs = len(site.runs())
    site.hold.touch()
    pushes = (site.delivery(commit) for commit in site.pushes(BURST))
    started = time.monotonic()
    answers = asyncio.run(post_all(site.address, pushes, 10, BURST_SECONDS / BURST))
    took = time.monotonic() - started
    site.hold.unlink()
    site.settle()
    made = site.runs()[runs:]
    what = f"{BURST} pushes of one branch in {took:.0f} s"
    accepted = sum(answer.status == 202 for answer in answers)
    yield Row(f"{what}: accepted", str(accepted), str(BURST), accepted == BURST)
    yield Row(f"{what}: runs", str(len(made)), "at most 2", 1 <= len(made) <= 2)
    ended = made[-1].outcome.get("commit") if made else None
    yield Row("  what was run last", str(ended)[:12], site.tip[:12], ended == site.tip)


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
    """Signatures that are wrong: guessed, cut, damaged, of another kind, none; damaged bodies."""
    site.settle()
    kept, said, counted = site.kept(), len(site.lines), site.refused()
    source = random.Random(7)
    requests = [_damaged(site.delivery(site.tip), source) for _ in range(FUZZED)]
    answers = asyncio.run(post_all(site.address, requests, CONNECTIONS))
    refused = sum(answer.status == 401 for answer in answers)
    what = f"{FUZZED} deliveries that are signed wrongly"
    yield Row(f"{what}: refused", str(refused), str(FUZZED), refused == FUZZED)
    counted = site.refused() - counted
    yield Row("  on the counter of /metrics", str(counted), str(FUZZED), counted == FUZZED)
    more = site.kept() - kept + len(site.lines) - said
    yield Row("  on the disk, or in the server's output", str(more), "0", more == 0)


def _damaged(request: bytes, source: random.Random) -> bytes:
    head, end, body = request.partition(b"\r\n\r\n")
    start, name, signature = head.partition(b"X-Hub-Signature-256: ")
    mac = signature.removeprefix(b"sha256=")
    at = source.randrange(len(mac))
    other = b"0" if mac[at : at + 1] != b"0" else b"1"
    wrong = source.choice([
        b"", b"sha256=", b"sha256=" + mac[:at], b"sha256=" + mac + mac, b"sha1=" + mac[:40], mac,
        b"sha256=" + mac[:at] + other + mac[at + 1 :], b"sha256=%064x" % source.getrandbits(256),
        b"sha256=\xe9" + mac[1:], b"SHA256=" + mac, None,
    ])  # fmt: skip
    if wrong is not None:
        return start + name + wrong + end + body
    flipped = bytearray(body)
    flipped[source.randrange(len(body))] ^= 1 << source.randrange(8)
    return head + end + bytes(flipped)


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


EXPERIMENTS = (many, burst, same, unsigned, killed, missed, hostile)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
