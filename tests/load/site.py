"""A repository, and a server that runs its pipeline."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from pipeline.server.queue import Queue
from pipeline.store import Home, RunRecord, Store

ROOT = Path(__file__).parents[2]
SECRET = "it-is-a-secret-to-everybody"
PATIENCE = 120.0
PIPELINE = """\
name: hello
stages:
  - code: {{checks: ["while test -e {hold}; do sleep 0.1; done"]}}
"""
SERVE = """\
listen: 127.0.0.1:0
secrets: {{HOOK: {{env: HOOK}}}}
projects:
  - name: hello
    repository: {origin}
    secret: HOOK
    branches: [main, "{follow}*"]
    paths: ["*"]
"""
FOLLOWED = "followed/"
"""Branches that begin so are run for, beside the main one."""
_number = itertools.count(1)


class Site:
    """All of it lies in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.work = folder / "work"
        self._home = Home(folder / "home")
        self._process: subprocess.Popen[str] | None = None
        self.address = ("127.0.0.1", 0)
        self.lines: list[str] = []
        """What the server has said."""
        self._origin = origin = folder / "origin.git"
        self._git(folder, "init", "-q", "--bare", "-b", "main", str(origin))
        self._git(folder, "init", "-q", "-b", "main", str(self.work))
        self._git(self.work, "remote", "add", "origin", str(origin))
        self.hold = folder / "hold"
        """As long as this file is there, no run ends."""
        (self.work / "pipeline.yml").write_text(PIPELINE.format(hold=self.hold))
        (folder / "serve.yml").write_text(SERVE.format(origin=origin, follow=FOLLOWED))
        self.tip = self.push()
        self._queue, self._store = Queue(self._home), Store(self._home)

    def push(self) -> str:
        """A new commit on the branch."""
        self.tip = self.push_to("main", "change")
        return self.tip

    def push_to(
        self, branch: str, message: str, *, author: str = "load", path: str = "file"
    ) -> str:
        """A new commit on a branch (made from what is checked out), with a file at ``path``."""
        (self.work / path).write_text(str(next(_number)))
        self._git(self.work, "add", "-A")
        self._git(self.work, "commit", "-q", "-m", message, GIT_AUTHOR_NAME=author)
        self._git(self.work, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return self._git(self.work, "rev-parse", "HEAD").strip()

    def pushes(self, count: int) -> Iterator[str]:
        """So many commits, each one pushed when it is asked for."""
        changes = "".join(
            f"commit refs/heads/later\nmark :{number}\ncommitter load <load@example.com> 0 +0000\n"
            f"data 0\n{f'from {self.tip}' if number == 1 else ''}\n"
            f"M 100644 inline file\ndata {len(str(number))}\n{number}\n"
            for number in range(1, count + 1)
        )
        marks = self.work.parent / "marks"
        self._git(self._origin, "fast-import", "--quiet", f"--export-marks={marks}", given=changes)
        commits = dict(line.split() for line in marks.read_text().splitlines())
        with subprocess.Popen(
            ["git", "update-ref", "--stdin"], cwd=self._origin, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as moving:  # fmt: skip
            assert moving.stdin is not None
            assert moving.stdout is not None
            for number in range(1, count + 1):
                self.tip = commits[f":{number}"]
                moving.stdin.write(f"start\nupdate refs/heads/main {self.tip}\ncommit\n")
                assert [moving.stdout.readline() for _ in range(2)] == [
                    "start: ok\n",
                    "commit: ok\n",
                ]
                yield self.tip
        self._git(self.work, "pull", "-q", "origin", "main")

    def command(self, *args: str) -> str:
        """What the command prints for people."""
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "-C", str(self.work), *args], text=True, timeout=60,
            capture_output=True, check=True, env=self._environ(),
        )  # fmt: skip
        return done.stdout + done.stderr

    def _environ(self) -> dict[str, str]:
        ours = {"DOCKCYCLE_HOME": str(self._home.path), "HOOK": SECRET, "PYTHONPATH": str(ROOT)}
        return {**os.environ, **ours}

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "-C", str(self._folder), "serve"],
            stderr=subprocess.PIPE, text=True, env=self._environ(),
        )  # fmt: skip
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        found = re.search(r":(\d+)$", line.strip())
        assert found, line
        self.address = ("127.0.0.1", int(found[1]))
        stream = self._process.stderr
        threading.Thread(target=lambda: self.lines.extend(stream), daemon=True).start()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def delivery(self, commit: str, *, branch: str = "main", secret: str = SECRET) -> bytes:
        """A whole HTTP request as GitHub makes it, of the size that a small push has."""
        body = json.dumps(
            {"ref": f"refs/heads/{branch}", "after": commit, "padding": "x" * 8000}
        ).encode()
        mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        head = (
            f"POST /hooks/hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            f"X-GitHub-Event: push\r\nX-GitHub-Delivery: {next(_number)}\r\n"
            f"X-Hub-Signature-256: sha256={mac}\r\n\r\n"
        )
        return head.encode() + body

    def memory(self) -> float:
        """What the server has in memory, in MB."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def get(self, path: str) -> str:
        """What the server answers."""
        with urlopen(f"http://{self.address[0]}:{self.address[1]}{path}", timeout=60) as answer:
            return str(answer.read().decode())

    def refused(self) -> int:
        """Deliveries that were not signed, as the server counts them."""
        name = 'dockcycle_deliveries_total{outcome="unsigned",project="hello"}'
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics"), re.M)
        return int(float(found[1])) if found else 0

    def kept(self) -> int:
        """Deliveries on the disk, those counted that were forgotten since."""
        return max((int(str(row["id"])) for row in self._queue.deliveries(limit=1)), default=0)

    def runs(self) -> list[RunRecord]:
        """The oldest first."""
        return list(reversed(self._store.runs(limit=1000)))

    def settle(self) -> None:
        """Wait until nothing is to be done."""
        until = time.monotonic() + PATIENCE
        while not self._queue.tips("hello") or self._open():
            assert time.monotonic() < until, f"still open: {self._open()}"
            time.sleep(0.05)

    def until_ran(self, commit: str) -> None:
        until = time.monotonic() + PATIENCE
        while not any(run.outcome.get("commit") == commit for run in self.runs()):
            assert time.monotonic() < until, f"{commit} was not run: {self._queue.jobs(limit=5)}"
            time.sleep(0.05)

    def _open(self) -> int:
        return sum(len(self._queue.jobs(state=state)) for state in ("queued", "running"))

    def _git(self, where: Path, *args: str, given: str = "", **author: str) -> str:
        who = {f"GIT_{w}_{k}": "load@example.com" for w in ("AUTHOR", "COMMITTER")
               for k in ("NAME", "EMAIL")} | author  # fmt: skip
        return subprocess.run(
            ["git", *args], cwd=where, check=True, text=True, capture_output=True, timeout=60,
            input=given,
            env={**os.environ, **who},
        ).stdout  # fmt: skip
