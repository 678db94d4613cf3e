"""A fake engine with its registries, seen through the ports that push uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from pipeline.adapters.fake_engine import FakeClock, FakeEngine
from pipeline.artifacts import Image, Images, SmokeReport, Source
from pipeline.ports import Auth
from pipeline.stage import Context
from stages.push import PushOptions, PushStage
from tests.support.stage_context import Recorded, stage_context

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class PushWorld:
    """Images of some services in an engine, registry at ``reg.example`` that takes anything."""

    services: tuple[str, ...] = ("app",)
    engine: FakeEngine = field(default_factory=FakeEngine)
    clock: FakeClock = field(default_factory=FakeClock)
    recorded: Recorded = field(default_factory=Recorded)
    logins: dict[str, Auth] = field(default_factory=dict)
    smoke: SmokeReport | None = None
    source: Source = field(
        default_factory=lambda: Source(path="/p", root="/p", content="c0ffee" * 10, commit=COMMIT)
    )

    def __post_init__(self) -> None:
        self.engine.registries["reg.example"] = None
        self.engine.publish("registry:2")
        self.images = {name: self.built(f"{name}:built") for name in self.services}
        self.smoke = SmokeReport(images=self.images)

    def built(self, ref: str) -> str:
        image = self.engine.publish(ref)
        self.engine.pull(ref, None, lambda line: None, stage_context().scope)
        return image

    @property
    def ports(self) -> Any:
        return SimpleNamespace(
            engine=self.engine, registry=self.engine.registry, http=self.engine.http,
            clock=self.clock, credentials=SimpleNamespace(lookup=self.logins.get),
        )  # fmt: skip

    def context(self, **more: Any) -> Context:
        images = Images(services={n: Image(id=i, built=n != "db") for n, i in self.images.items()})
        smoke = () if self.smoke is None else (self.smoke,)
        return stage_context(
            self.source, images, *smoke, ports=self.ports, recorded=self.recorded,
            secrets={"TOKEN": "s3cr3t"}, **more,
        )  # fmt: skip

    def push(self, *to: object, **options: object) -> Any:
        """The artifact of one run of the stage."""
        (made,) = stage(*to, **options).run(self.context())
        return made

    def names(self) -> set[str]:
        return set(self.engine.state.tags)

    def remote(self) -> set[str]:
        """What was pushed."""
        return {ref for ref in self.engine.state.remote if not ref.startswith("docker.io/library/")}


def stage(*to: object, **options: object) -> PushStage:
    given = {"to": list(to), **options} if to else options
    return PushStage(PushOptions.model_validate(given))
