"""The very image gets there, by its digest or over the connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.errors import RegistryUnavailable, StageFailed
from pipeline.kit.shipping import Crate, Shipping
from pipeline.ports import Auth
from pipeline.ports.engine import BuildRequest, BuildStep
from pipeline.scope import Scope

REF = "reg.example/acme/hello:1"


class Quiet:
    def step(self, step: BuildStep) -> None: ...
    def line(self, step: str, text: str) -> None: ...
    def notice(self, message: str, hint: str) -> None: ...


@dataclass
class Two:
    """An engine that builds and one that serves."""

    context: str
    here: FakeEngine = field(default_factory=FakeEngine)
    told: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.here.registries["reg.example"] = Auth(username="u", password="p")
        self.there = FakeEngine(beside=self.here, name="far")

    def build(self, text: str = "FROM scratch\n") -> str:
        request = BuildRequest(context=self.context, dockerfile_text=text, tags=(REF,))
        return self.here.build(request, Quiet(), Scope()).id

    def push(self) -> str:
        digest = self.here.push(REF, Auth(username="u", password="p"), self.told.append, Scope())
        return f"reg.example/acme/hello@{digest}"

    def ship(self, **crates: Crate) -> dict[str, str]:
        def auth(host: str) -> Auth:
            self.asked.append(host)
            return Auth(username="u", password="p")

        return Shipping(
            self.here, self.there, auth, Scope(), self.told.append, self.told.append
        ).ship(crates)


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(str(tmp_path))


def verbs(engine: FakeEngine) -> set[str]:
    return {call[0] for call in engine.state.calls}


def test_what_was_pushed_is_pulled_by_its_digest(two: Two) -> None:
    image = two.build()
    assert two.ship(app=Crate(image, (two.push(),))) == {"app": image}
    assert two.asked == ["reg.example"]
    assert ("load" in verbs(two.there), "save" in verbs(two.here)) == (False, False)


def test_what_cannot_be_pulled_is_sent(two: Two) -> None:
    image, source = two.build(), two.push()
    two.there.fail("pull", RegistryUnavailable("no way from there"))
    assert two.ship(app=Crate(image, (source,))) == {"app": image}
    assert "no way from there" in two.told[-2]
    assert two.told[-1].startswith("sending ")


def test_what_was_never_pushed_is_sent_once(two: Two) -> None:
    image = two.build()
    assert two.ship(web=Crate(image), worker=Crate(image)) == {"web": image, "worker": image}
    assert two.here.state.calls.count(("save", image)) == 1


def test_what_is_there_is_not_moved(two: Two) -> None:
    image = two.build()
    two.ship(app=Crate(image))
    two.here.state.calls.clear()
    two.there.state.calls.clear()
    assert two.ship(app=Crate(image)) == {"app": image}
    assert not {"save", "load", "pull"} & (verbs(two.here) | verbs(two.there))


def test_the_engine_that_builds_may_be_named_as_any(two: Two) -> None:
    two.there = two.here
    assert two.ship(app=Crate("sha256:abc")) == {"app": "sha256:abc"}


def test_another_image_than_the_tested_one_is_refused(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, source = two.build(), two.push()
    other = two.here.build(
        BuildRequest(context=two.context, dockerfile_text="FROM scratch\nUSER 1\n"),
        Quiet(),
        Scope(),
    )
    monkeypatch.setattr(two.there, "pull", lambda *words: other)
    with pytest.raises(StageFailed, match="not the tested image of app"):
        two.ship(app=Crate(image, (source,)))


def test_an_image_for_another_kind_of_machine_is_refused(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = two.there.info().model_copy(update={"architecture": "arm64"})
    monkeypatch.setattr(two.there, "info", lambda: arm)
    with pytest.raises(
        StageFailed, match=r"is for linux/amd64, and the engine at .* is arm64"
    ) as e:
        two.ship(app=Crate(two.build()))
    assert "platforms: [linux/arm64]" in e.value.hint


def test_what_is_not_enough_is_sent_whole(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    image, thin = two.build(), Path(two.context, "thin")
    thin.write_text("a layer is missing")
    monkeypatch.setattr("pipeline.kit.shipping.without_known", lambda whole, known: thin)
    assert two.ship(app=Crate(image)) == {"app": image}
    sent = [line for line in two.told if line.startswith("sending ")]
    assert " of " in sent[0] and " of " not in sent[1]
    assert len(sent) == 2
