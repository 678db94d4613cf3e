"""Runs dockcycle and the hand-written script in turn on the same app, and prints the ratios."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("script.sh")
ROUNDS = 7
NO_CACHES = "PYTHONDONTWRITEBYTECODE"
DOCKCYCLE = [sys.executable, "-m", "pipeline"]
PIPELINE = """\
version: 1
name: {name}
stages:
  - code
  - dockerfile
  - build
  - run: {{port: 5000}}
  - smoke: {{checks: [{{get: /, expect: {{status: 200, body: Hello}}}}]}}
  - push: {{to: [local], tags: [latest]}}
  - track
  - operate: {{publish: {port}, soak: 0s}}
"""


@dataclass(frozen=True)
class Row:
    what: str
    ours: float
    theirs: float | None
    limit: str

    def __str__(self) -> str:
        theirs = "" if self.theirs is None else f"{self.theirs * 1000:8.0f} ms"
        ratio = "" if self.theirs is None else f"{self.ours / self.theirs:6.2f}x"
        return f"{self.what:<34}{self.ours * 1000:8.0f} ms{theirs:>12}{ratio:>9}   {self.limit}"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="dockcycle-bench-") as folder:
        bench = Bench(Path(folder))
        try:
            print(f"{'':<34}{'dockcycle':>11}{'script':>12}{'ratio':>9}   wanted")
            for row in bench.rows():
                print(row, flush=True)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(f"{'peak memory of the largest process':<34}{peak:8.0f} MB   (below 120 MB)")
        finally:
            bench.clean()


class Bench:
    def __init__(self, folder: Path) -> None:
        self.name = f"bench{os.getpid()}"
        # Python's caches are on, as they are wherever dockcycle is installed.
        self.environ = {key: value for key, value in os.environ.items() if key != NO_CACHES}
        self.environ |= {"DOCKCYCLE_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
        self.ours = self._app(folder / "ours", self.name)
        self.theirs = self._app(folder / "theirs", f"{self.name}-script")
        self.ports = (free_port(), free_port())
        (self.ours / "pipeline.yml").write_text(PIPELINE.format(name=self.name, port=self.ports[0]))
        self.dockcycle("run")  # starts the registry and writes the Dockerfile for both
        self.registry = output(["docker", "port", "dockcycle-registry", "5000"])
        shutil.copy(self.ours / "Dockerfile", self.theirs)
        shutil.copy(self.ours / ".dockerignore", self.theirs)
        self.script()

    def rows(self) -> Sequence[Row]:
        unchanged = in_turn(lambda: self.dockcycle("run"), self.script)
        changed = in_turn(
            lambda: (self._touch(self.ours), self.dockcycle("run")),
            lambda: (self._touch(self.theirs), self.script()),
        )
        version = times(lambda: self.dockcycle("--version"))
        usage = times(lambda: self.dockcycle("--help"))
        return [
            Row("nothing changed", *unchanged, "at most 1.3x"),
            Row("one line of the app changed", *changed, "at most 1.3x"),
            Row("dockcycle --version", version, None, "at most 80 ms"),
            Row("dockcycle --help", usage, None, "at most 200 ms"),
        ]

    def dockcycle(self, *args: str) -> None:
        run([*DOCKCYCLE, *args], self.ours, self.environ)

    def script(self) -> None:
        run(
            ["sh", str(SCRIPT), f"{self.name}-script", str(self.ports[1]), self.registry],
            self.theirs, self.environ,
        )  # fmt: skip

    def clean(self) -> None:
        self.dockcycle("down", "--volumes")
        for name in (f"{self.name}-script", f"{self.name}-script-test"):
            subprocess.run(["docker", "rm", "-f", name], check=False, capture_output=True)
        tags = [f"{self.name}-script:latest", f"{self.registry}/{self.name}-script:latest"]
        subprocess.run(["docker", "rmi", "-f", *tags], check=False, capture_output=True)

    def _app(self, folder: Path, name: str) -> Path:
        shutil.copytree(ROOT / "examples" / "flask", folder)
        for argv in (
            ["git", "init", "-q"], ["git", "config", "user.name", "Bench"],
            ["git", "config", "user.email", "bench@example.com"], ["git", "add", "-A"],
            ["git", "commit", "-q", "-m", name],
        ):  # fmt: skip
            run(argv, folder, self.environ)
        return folder

    def _touch(self, folder: Path) -> None:
        with (folder / "app.py").open("a") as file:
            file.write(f"# {time.time_ns()}\n")


def in_turn(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Medians of both, run in turn, so that a slow moment of the machine hits both."""
    pairs = [(timed(ours), timed(theirs)) for _ in range(ROUNDS)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def times(what: Callable[[], object]) -> float:
    return statistics.median(timed(what) for _ in range(ROUNDS))


def timed(what: Callable[[], object]) -> float:
    begun = time.perf_counter()
    what()
    return time.perf_counter() - begun


def run(argv: Sequence[str], cwd: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(
        argv, cwd=cwd, env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def output(argv: Sequence[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()[0]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
