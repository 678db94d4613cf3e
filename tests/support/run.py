"""The run stage on an engine in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from pipeline.adapters.fake_compose import FakeCompose
from pipeline.adapters.fake_engine import FakeClock, FakeEngine, Program
from pipeline.artifacts import App, Image, Images
from pipeline.ports.engine import ContainerInfo
from pipeline.scope import Scope
from pipeline.stage import Context
from stages.run import RunOptions, RunStage
from tests.support.stage_context import Recorded, stage_context


class NoCredentials:
    def lookup(self, host: str) -> None:
        return None


@dataclass
class Engineful:
    """As many of ``Ports`` as the run stage uses."""

    engine: FakeEngine
    compose: FakeCompose
    clock: FakeClock = field(default_factory=FakeClock)
    credentials: NoCredentials = field(default_factory=NoCredentials)

    @property
    def http(self) -> Any:
        return self.engine.http


class RunBench:
    """Runs the stage with one image per service; ``broken`` crashes at once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.engine = FakeEngine()
        self.engine.state.programs[("broken",)] = Program(log=("Traceback", "boom"), exits=1)
        self.engine.state.programs[("job",)] = Program(exits=0)
        self.engine.publish("busybox:1", ports=(8000,))
        self.image = self.engine.pull("busybox:1", None, lambda line: None, Scope()).id
        self.compose = FakeCompose(self.engine)
        self.ports = Engineful(self.engine, self.compose)
        self.recorded = Recorded()

    def context(
        self, number: int = 1, *, live: bool = False, services: tuple[str, ...] = ("app",),
        secrets: dict[str, str] | None = None, **variables: str,
    ) -> Context:  # fmt: skip
        self.recorded = Recorded()
        images = Images(services={name: Image(id=self.image) for name in services})
        ctx = stage_context(
            images, ports=self.ports, recorded=self.recorded, directory=self.directory,
            secrets=secrets, stage="run",
        )  # fmt: skip
        run = f"20261124T020433-000{number}"
        return replace(ctx, run=run, goes_live=live, variables=variables)

    @staticmethod
    def stage(**options: Any) -> RunStage:
        return RunStage(RunOptions.model_validate(options))

    def start(self, stage: RunStage, ctx: Context) -> App:
        (app,) = stage.run(ctx)
        return cast(App, app)

    def containers(self) -> dict[str, ContainerInfo]:
        return {info.name: info for info in self.engine.containers({})}

    @property
    def states(self) -> dict[str, str]:
        return {name: info.state for name, info in self.containers().items()}
