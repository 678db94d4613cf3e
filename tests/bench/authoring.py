"""Generated Dockerfiles beside what a beginner writes for the same app: size, rebuild, user, lint.

python -m lab exec -- .venv/bin/python -m tests.bench.authoring [--write] [APP…]

``--write`` brings the lines of these apps in docs/authoring-compared.md up to date.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.naive import CASES, Case

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "corpus"
TABLE = ROOT / "docs" / "authoring-compared.md"
WRITE = "--write"
ROUNDS = 3
BUILD = 900
EQUAL = 1.01
"""A user and a folder of its own are bytes as well."""
TITLES = f"{'':<17}{'size':>17}{'rebuild':>18}{'user':>14}{'hadolint':>11}"

HEAD = """\
# Generated Dockerfiles, beside what a beginner writes

For apps of `tests/corpus`: what dockcycle writes, then one stage with everything, as tutorials have
it ([the files](../tests/bench/naive.py)). *Rebuild* is `docker build` after one line of the source
has changed: the median of three, both in turn, on two cores, not always idle.
Findings are hadolint's. Bases are the lab's, made of Debian packages ([the lab](lab.md)), so sizes
differ from those on Docker Hub's. Written by
`python -m lab exec -- .venv/bin/python -m tests.bench.authoring --write`.

Above two seconds, node-pnpm, node-workspace and node-astro spend most of a rebuild in the one
step that compiles: in that of node-pnpm TypeScript reads and binds the declarations of its
libraries again (1.2 of 1.4 s), and Astro bundles by Vite (2.4 of 3.8 s). Of 42 s of node-next 25
go into finding the files that its standalone server needs, which Next.js keeps in no cache, and 8
into the compiler. What is copied and exported after it takes a tenth of a second. Node's compile
cache was tried in a cache mount and saved about 0.1 s of TypeScript's time, and no more than
noise of Astro's, so it is not written.

| app | image | beginner's | rebuild | beginner's | user | beginner's | findings | beginner's |
|---|---|---|---|---|---|---|---|---|"""


class NotBuiltError(Exception):
    """With the end of what was printed."""


@dataclass(frozen=True)
class Seen:
    """One image: bytes, seconds to build after a change of the source, user, findings."""

    size: int
    seconds: float
    user: str
    findings: int


def main(chosen: Sequence[str]) -> int:
    """Print a line for each app; the exit code says whether all are as they should be."""
    print("generated Dockerfile / what a beginner writes (size and rebuild: smaller is better)")
    print(TITLES)
    missed = []
    apps = tuple(each for each in chosen if each != WRITE)
    for case in CASES:
        if not apps or case.app.startswith(apps):
            try:
                with tempfile.TemporaryDirectory(prefix="dockcycle-bench-") as folder:
                    ours, theirs = compare(case, Path(folder))
            except NotBuiltError as error:
                print(f"{case.app:<17}{error}", flush=True)
                missed.append(f"{case.app}: not compared")
                continue
            print(line(case, ours, theirs), flush=True)
            if WRITE in chosen:
                write(case, ours, theirs)
            missed += [f"{case.app}: {what}" for what in faults(case, ours, theirs)]
    for what in missed:
        print(f"missed  {what}")
    busy, cores = os.getloadavg()[0], os.cpu_count() or 1
    if busy > cores:
        print(f"The machine is busy (load {busy:.0f} on {cores} cores): the times mean little.")
    return 1 if missed else 0


def compare(case: Case, folder: Path) -> tuple[Seen, Seen]:
    """Both images of one app, rebuilt in turn so that a slow moment of the machine hits both."""
    ours, theirs = (Image(case, folder / name) for name in ("generated", "naive"))
    ours.generate()
    (theirs.folder / "Dockerfile").write_text(case.dockerfile)
    try:
        ours.build(), theirs.build()
        times = [(ours.rebuild(number), theirs.rebuild(number)) for number in range(ROUNDS)]
        return (
            ours.seen(statistics.median(pair[0] for pair in times)),
            theirs.seen(statistics.median(pair[1] for pair in times)),
        )
    finally:
        ours.remove(), theirs.remove()


class Image:
    """One folder, and the image that is built of it."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.folder = Path(shutil.copytree(CORPUS / case.app, folder))
        self.tag = f"bench-{case.app}-{folder.name}:{os.getpid()}"
        self._source = self.folder / case.source
        self._comment = case.comment

    def generate(self) -> None:
        run([sys.executable, "-m", "pipeline", "dockerfile"], self.folder)

    def build(self) -> None:
        run(["docker", "build", "--quiet", "--tag", self.tag, "."], self.folder)

    def rebuild(self, number: int) -> float:
        """Seconds to build it after a line was added to the source."""
        with self._source.open("a") as file:
            file.write(self._comment.format(f"{number} {time.time_ns()}") + "\n")
        begun = time.perf_counter()
        self.build()
        return time.perf_counter() - begun

    def seen(self, seconds: float) -> Seen:
        shape = "{{.Size}} {{.Config.User}}"
        size, user = run(
            ["docker", "image", "inspect", "--format", shape, self.tag], self.folder
        ).split(" ")  # fmt: skip
        return Seen(int(size), seconds, user.strip() or "root", self._findings())

    def remove(self) -> None:
        subprocess.run(["docker", "rmi", "-f", self.tag], check=False, capture_output=True)

    def _findings(self) -> int:
        done = subprocess.run(
            ["hadolint", "--no-fail", "--format", "json", "Dockerfile"],
            cwd=self.folder, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return len(json.loads(done.stdout))


def faults(case: Case, ours: Seen, theirs: Seen) -> list[str]:
    """What is not as it should be."""
    found = []
    if ours.size > theirs.size * EQUAL:
        found.append("larger than what a beginner builds")
    if case.limit is not None and ours.seconds > case.limit:
        found.append(f"{ours.seconds:.1f} s to rebuild, {case.limit:.0f} s are wanted")
    if ours.user == "root":
        found.append("runs as root")
    if ours.findings:
        found.append("hadolint finds something")
    return found


def line(case: Case, ours: Seen, theirs: Seen) -> str:
    return (
        f"{case.app:<17}"
        f"{ours.size / 1e6:6.0f} / {theirs.size / 1e6:4.0f} MB"
        f"{ours.seconds:8.1f} / {theirs.seconds:5.1f} s"
        f"{ours.user:>7} / {theirs.user:<4}"
        f"{ours.findings:>6} / {theirs.findings}"
    )


def write(case: Case, ours: Seen, theirs: Seen) -> None:
    """Bring the line of one app up to date; those of apps that are no case any more go."""
    there = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.is_file() else []
    rows = {text.split("|")[1].strip(): text for text in there if text.startswith("| ")}
    values = [
        f"{ours.size / 1e6:.0f} MB", f"{theirs.size / 1e6:.0f} MB", f"{ours.seconds:.1f} s",
        f"{theirs.seconds:.1f} s", ours.user, theirs.user, f"{ours.findings}", f"{theirs.findings}",
    ]  # fmt: skip
    rows[case.app] = f"| {case.app} | {' | '.join(values)} |"
    kept = [rows[each.app] for each in CASES if each.app in rows]
    TABLE.write_text("\n".join([HEAD, *kept, ""]), encoding="utf-8")


def run(argv: Sequence[str], cwd: Path) -> str:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
    done = subprocess.run(
        argv, cwd=cwd, env=environ, capture_output=True, text=True, timeout=BUILD, check=False
    )
    if done.returncode:
        raise NotBuiltError(f"{' '.join(argv)}: {done.stdout[-500:]}{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
