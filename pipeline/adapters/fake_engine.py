"""An engine in memory: implements ``pipeline.ports.Engine``, scripted by tests.

``tests/contract`` holds it to what the real one does. What a container does is its ``Program``;
what goes wrong is told to ``fail`` and ``fail_always``, or to the constructor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.adapters.fake.objects import FakeObjects
from pipeline.adapters.fake.program import Answer, Program, says
from pipeline.adapters.fake.running import FakeRunning
from pipeline.adapters.fake.state import State
from pipeline.adapters.fake.world import FakeClock, FakeHttp, FakeRegistry
from pipeline.errors import DockcycleError
from pipeline.ports.engine import EngineInfo, Tools
from pipeline.ports.registry import Auth

__all__ = ["Answer", "FakeClock", "FakeEngine", "FakeHttp", "FakeRegistry", "Program", "says"]


class FakeEngine(FakeRunning, FakeObjects):
    """See the module. ``state`` may be looked at and changed at any time."""

    def __init__(
        self,
        *,
        answer: Answer | None = None,
        log_lines: Iterable[str] = (),
        exits_with: int | None = None,
        unhealthy_for: float = 0,
        programs: Mapping[tuple[str, ...], Program] | None = None,
        fail_push: DockcycleError | None = None,
        build_error: DockcycleError | None = None,
        unavailable: bool = False,
        port_taken: Iterable[int] = (),
        beside: FakeEngine | None = None,
        name: str = "fake",
    ) -> None:
        """The first four make the program of images that are built; ``programs`` is by command.
        ``beside``: another engine, for which the registries and archives are the same.

        The errors are raised by every push and every build.
        """
        program = Program(tuple(log_lines), exits_with, unhealthy_for, answer)
        self.state = State(program, programs or {})
        self.name = name
        if beside is not None:
            self.state.share(beside.state)
        self.state.unavailable = unavailable
        self.state.port_taken = set(port_taken)
        for verb, error in (("push", fail_push), ("build", build_error)):
            if error is not None:
                self.state.fail_always(verb, error)
        self.http = FakeHttp(self.state)
        self.registry = FakeRegistry(self.state)

    @property
    def registries(self) -> dict[str, Auth | None]:
        """Hosts whose registry answers, with the credentials that it wants."""
        return self.state.registries

    def behave(self, program: Program) -> None:
        """Script: images that are built from now on run this."""
        self.state.program = program

    def fail(self, verb: str, *errors: DockcycleError) -> None:
        """Script: the next calls of that method of the port raise these, one each."""
        self.state.fail(verb, *errors)

    def info(self) -> EngineInfo:
        with self.state.lock:
            self.state.enter("info")
        return EngineInfo(
            id=f"{self.name}-engine", name=self.name, version="26.1.5",
            address=f"{self.name}://",
            containerd_store=False, architecture="amd64", os="linux",
        )  # fmt: skip

    def tools(self) -> Tools:
        return Tools(buildx="0.13.1", compose="2.26.1")
