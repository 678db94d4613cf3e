"""The real engine frozen, killed and restarted under our hands: noticed in bounded time, told.

These stop the lab that they run in: use one that nobody else does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.adapters.docker_engine import DockerEngine
from pipeline.errors import EngineUnavailable
from pipeline.ports.engine import BuildRequest
from tests.contract.world import IDLE, IMAGE, Recorder, World, real_world

ROOT = Path(__file__).parents[2]
BOUND = 40.0
"""Seconds within which trouble must be noticed, on a busy machine."""

pytestmark = [pytest.mark.engine, pytest.mark.disruptive]


def lab(word: str, *, check: bool = True) -> None:
    subprocess.run([sys.executable, "-m", "lab", word], cwd=ROOT, check=check, timeout=120,
                   capture_output=True)  # fmt: skip


@pytest.fixture
def world() -> Iterator[World]:
    made = real_world()
    yield made
    lab("thaw", check=False)  # an error when it does not run at all
    lab("up")
    made.clean()


def waits(world: World, container: str, _context: Path) -> None:
    world.engine.wait(container, world.scope(120))


def follows(world: World, container: str, _context: Path) -> None:
    for _ in world.engine.logs(container, follow=True, scope=world.scope(120)):
        pass


def builds(world: World, _container: str, context: Path) -> None:
    text = f"FROM {IMAGE}\nRUN echo {world.id}; sleep 100\n"
    request = BuildRequest(context=str(context), dockerfile_text=text)
    world.engine.build(request, Recorder(), world.scope(120))


@pytest.mark.parametrize("trouble", ["freeze", "kill"])
@pytest.mark.parametrize("work", [waits, follows, builds])
def test_trouble_in_the_middle_of_work_is_noticed(
    world: World, work: Callable[[World, str, Path], None], trouble: str, tmp_path: Path
) -> None:
    container = world.started(script=f"echo up; {IDLE}")
    timer = threading.Timer(2, lab, args=(trouble,))
    timer.start()
    before = time.monotonic()
    with pytest.raises(EngineUnavailable) as caught:
        work(world, container, tmp_path)
    assert time.monotonic() - before < BOUND
    assert os.environ["DOCKER_HOST"] in caught.value.message
    assert caught.value.hint
    timer.join()


@pytest.mark.parametrize("trouble", ["freeze", "kill"])
def test_a_first_word_to_an_engine_in_trouble(world: World, trouble: str) -> None:
    lab(trouble)
    before = time.monotonic()
    with pytest.raises(EngineUnavailable):
        DockerEngine.from_environment(os.environ).info()
    assert time.monotonic() - before < BOUND


def test_after_the_trouble_it_goes_on(world: World) -> None:
    container = world.started()
    lab("restart")
    found = world.engine.inspect(container)
    assert found is not None
    assert found.state == "exited"
    world.engine.start(container)
    lab("freeze")
    with pytest.raises(EngineUnavailable):
        world.engine.inspect(container)
    lab("thaw")
    found = world.engine.inspect(container)
    assert found is not None
    assert found.running
