from __future__ import annotations

from pathlib import Path

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.kit.labels import Role, labels
from pipeline.kit.sweep import sweep
from pipeline.ports.engine import BuildRequest, BuildStep
from pipeline.scope import Scope


class Deaf:
    def step(self, step: BuildStep) -> None: ...
    def line(self, step: str, text: str) -> None: ...
    def notice(self, message: str, hint: str) -> None: ...


def image(engine: FakeEngine, folder: Path, role: Role, run: str, client: str = "me") -> str:
    request = BuildRequest(
        context=str(folder), dockerfile_text="FROM busybox\n",
        labels=labels("hello", role, run=run, client=client),
    )  # fmt: skip
    return engine.build(request, Deaf(), Scope(10)).id


def test_images_of_checks_go_and_all_others_stay(tmp_path: Path) -> None:
    engine = FakeEngine()
    left_over = image(engine, tmp_path, "check", "dead")
    stay = {
        image(engine, tmp_path, "check", "running"),
        image(engine, tmp_path, "check", "dead", client="somebody"),
        image(engine, tmp_path, "image", "dead"),
    }
    swept = sweep(engine, "hello", client="me", running=["running"])
    assert swept.items == (("image", left_over[7:19]),)
    assert {info.id for info in engine.images({})} == stay
