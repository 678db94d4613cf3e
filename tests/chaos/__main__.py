"""Prints a table of what users notice of releases and accidents; exit code 1 if one was lost."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import docker
from rich.console import Console
from rich.table import Table

from tests.chaos.bad import twelve
from tests.chaos.experiments import accidents, engine_restarts, releases
from tests.chaos.site import Row
from tests.chaos.supervised import supervised
from tests.chaos.week import SETTLED, week


def rows(rounds: int, only: str) -> Iterator[Row]:
    engine = docker.from_env(timeout=60)
    few = max(1, rounds // 5)
    experiments = {
        "releases": lambda: releases(engine, rounds),
        "bad": lambda: twelve(engine),
        "accidents": lambda: accidents(engine, few),
        "engine": lambda: engine_restarts(engine, few),
        "supervise": lambda: supervised(engine, few),
        "week": lambda: week(engine, max(2 * SETTLED, 10 * rounds)),
    }
    for name, experiment in experiments.items():
        if only in ("", name):
            yield from experiment()
    engine.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="releases, and rollbacks")
    parser.add_argument(
        "--only", default="", help="releases, bad, accidents, engine, supervise or week"
    )
    asked = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 150)
    found = []
    for row in rows(asked.rounds, asked.only):
        console.print(f"{'✓' if row.held else '✗'} {row.experiment}: {row.did}; {row.found}")
        found.append(row)
    table = Table("experiment", "done", "found", "holds")
    for row in found:
        table.add_row(row.experiment, row.did, row.found, "yes" if row.held else "NO")
    console.print(table)
    return 0 if all(row.held for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
