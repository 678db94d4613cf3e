"""Ctrl-C in every stage that takes long: what was begun goes away, soon, and the record says so."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import docker
import pytest

from pipeline.store import Home, Store
from tests.engine.conftest import AppUnderTest, candidates
from tests.engine.small import PIPELINE, SAYS, SHARED, SPOILT, TINY, small_app, write_version
from tests.engine.world import look
from tests.support.registry_server import Fault, registry_server

pytestmark = pytest.mark.engine

LONG = 90
"""Seconds that a stage would take; tests wait for less."""
LIMIT = 10.0
"""Seconds from the first Ctrl-C to the end."""


SMOKING = PIPELINE.replace("within: 3s", f"within: {LONG}s")
PUSHING = PIPELINE.replace("- push", "- push: {{to: ['{registry}/hello']}}")
TO_OPERATE = "".join(line for line in PIPELINE.splitlines(True) if "push" not in line)
BUILDS_LONG = TINY + f"RUN echo $((6*7)) is under way; exec sleep {LONG}\n"
"""Says so itself: BuildKit may let a process run on that is cancelled just as it starts."""
NEVER_LISTENS = TINY.partition("CMD")[0] + f'CMD ["sleep", "{LONG}"]\n'


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient
) -> Iterator[AppUnderTest]:
    """Its first version is live."""
    with small_app(tmp_path_factory.mktemp("interrupt"), engine, SHARED) as app:
        write_version(app, 1)
        assert app.run().code == 0
        yield app


@dataclass
class Ended:
    code: int
    seconds: float
    """From the signal."""
    text: str


class Running:
    """A run in the background, with what it prints."""

    def __init__(self, app: AppUnderTest) -> None:
        self.process = app.start("run", "--output", "plain")
        self.text = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.text += line

    def wait_for(self, what: Callable[[], bool] | str, seconds: float = 60) -> None:
        """Until that has been printed, or is so."""
        there = what if callable(what) else lambda: what in self.text
        end = time.monotonic() + seconds
        while not there() and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        if not there():
            self.process.kill()
            pytest.fail(f"{what} did not come: {self.text}")

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> Ended:
        """Send a signal and wait for the end."""
        begun = time.monotonic()
        self.process.send_signal(number)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return Ended(code, time.monotonic() - begun, self.text)


def write(
    app: AppUnderTest, pipeline: str = PIPELINE, *, says: str = SAYS, dockerfile: str = TINY
) -> None:
    """The next version, and how it is shipped."""
    app.pipeline(pipeline.replace("{run}", SHARED).replace("{operate}", ""))
    write_version(app, 2, says, dockerfile)


def interrupted(
    app: AppUnderTest, engine: docker.DockerClient, stage: str, busy: Callable[[], bool] | str,
    number: signal.Signals,
) -> Ended:  # fmt: skip
    """Interrupt the stage when it is ``busy`` (or has printed that); all must be as before."""
    before = look(app, engine)
    run = Running(app)
    run.wait_for(busy)
    ended = run.interrupt(number)
    assert ended.seconds < LIMIT, ended
    record = Store(Home(app.home)).run("latest", app.name)
    stages = {stage.key: stage.status for stage in record.stages}
    assert (record.status, record.exit_code) == ("interrupted", ended.code), ended
    assert stages[stage] == "cancelled"
    assert stages["operate"] == ("cancelled" if stage == "operate" else "skipped")
    assert look(app, engine) == before, ended
    assert candidates(engine, app.name) == []
    return ended


def test_ctrl_c_in_build(app: AppUnderTest, engine: docker.DockerClient) -> None:
    write(app, dockerfile=BUILDS_LONG)
    assert interrupted(app, engine, "build", "42 is under way", signal.SIGINT).code == 130


def test_ctrl_c_in_run(app: AppUnderTest, engine: docker.DockerClient) -> None:
    write(app, dockerfile=NEVER_LISTENS)
    assert interrupted(app, engine, "run", "waiting for app", signal.SIGINT).code == 130


def test_ctrl_c_in_smoke(app: AppUnderTest, engine: docker.DockerClient) -> None:
    write(app, SMOKING, says="never well\n")
    assert interrupted(app, engine, "smoke", "smoke      │ GET /", signal.SIGINT).code == 130


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_ctrl_c_in_push(app: AppUnderTest, engine: docker.DockerClient, method: str) -> None:
    """While we wait for the registry, and while the engine does."""
    with registry_server() as registry:
        registry.script.faults.append(Fault(method=method, delay=LONG))
        write(app, PUSHING.replace("{registry}", registry.host))
        asked = lambda: registry.script.count(method) > 0  # noqa: E731
        assert interrupted(app, engine, "push", asked, signal.SIGINT).code == 130


def test_ctrl_c_in_operate(app: AppUnderTest, engine: docker.DockerClient) -> None:
    """While the new version is asked in the place of the old one, which comes back."""
    write(app, TO_OPERATE, dockerfile=SPOILT)
    assert interrupted(app, engine, "operate", "operate    │ GET /", signal.SIGINT).code == 130
    assert app.get().text == SAYS.format(version=1)


def test_termination(app: AppUnderTest, engine: docker.DockerClient) -> None:
    write(app, SMOKING, says="never well\n")
    assert interrupted(app, engine, "smoke", "smoke      │ GET /", signal.SIGTERM).code == 143


HANGING = """\
import time
from pipeline.stage import Stage

class Hanging(Stage):
    name = "hanging"

    def run(self, ctx):
        ctx.progress("it hangs")
        {run}
        return []

    def cleanup(self, ctx):
        ctx.progress("it hangs again")
        time.sleep(90)
"""


def hang(app: AppUnderTest, run: str) -> Running:
    """A run that hangs in a stage of the project's own, and in cleaning up after it."""
    (app.directory / "hanging.py").write_text(HANGING.format(run=run))
    write(app, PIPELINE.replace("- push", "- hanging: {{uses: ./hanging.py:Hanging}}\n  - push"))
    running = Running(app)
    running.wait_for("it hangs")
    return running


def test_what_hangs_is_left_behind(app: AppUnderTest, engine: docker.DockerClient) -> None:
    ended = hang(app, "time.sleep(90)").interrupt()
    assert (ended.code, ended.seconds < LIMIT) == (130, True), ended
    assert "could not tidy up completely" in ended.text
    assert Store(Home(app.home)).run("latest", app.name).status == "interrupted"


def test_the_second_ctrl_c_leaves_at_once(app: AppUnderTest, engine: docker.DockerClient) -> None:
    running = hang(app, "ctx.scope.sleep(90)")
    running.process.send_signal(signal.SIGINT)
    running.wait_for("it hangs again")
    ended = running.interrupt()
    assert (ended.code, ended.seconds < 1) == (130, True), ended

    write(app)
    again = app.run()
    assert again.code == 0, again.text
    assert candidates(engine, app.name) == []
    assert app.get().text == SAYS.format(version=2)
    assert [run.status for run in Store(Home(app.home)).runs(app.name, limit=2)] == [
        "passed", "lost",
    ]  # fmt: skip
