"""The push stage with a real engine: to real registries, and to one that misbehaves."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.app.adapters import real_ports
from pipeline.artifacts import Image, Images, PushedImages, SmokeReport, Source
from pipeline.errors import (
    Cancelled,
    DeadlineExceeded,
    RegistryDenied,
    RegistryUnavailable,
    StageFailed,
)
from pipeline.events import Notice, StageLog
from pipeline.kit.archives import archived_images
from pipeline.ports.engine import ContainerSpec
from pipeline.scope import Scope
from pipeline.stage import Context, Ports
from stages.push import PushOptions, PushStage
from tests.support.registry_server import Fault, registry_server
from tests.support.stage_context import Recorded, stage_context

pytestmark = pytest.mark.engine

LOGIN = ("ada", "correct horse")


@dataclass
class Bench:
    """An image that nobody else has, and pushing it."""

    ports: Ports
    name: str
    image: str
    directory: Path
    recorded: Recorded

    def context(self, seconds: float = 60) -> Context:
        return stage_context(
            Source(path="/p", root="/p", content="c0ffee" * 10),
            Images(services={"app": Image(id=self.image)}),
            SmokeReport(images={"app": self.image}),
            ports=self.ports, recorded=self.recorded, project=self.name,
            directory=self.directory, scope=Scope(seconds, what="stage push"),
            secrets={"GOOD": LOGIN[1], "BAD": "wrong", "LAB": lab_password()},
        )  # fmt: skip

    def push(self, *to: object, seconds: float = 60) -> PushedImages:
        options = PushOptions.model_validate({"to": to, "tags": ["1"]})
        (made,) = PushStage(options).run(self.context(seconds))
        assert isinstance(made, PushedImages)
        return made

    def names(self) -> tuple[str, ...]:
        info = self.ports.engine.image(self.image)
        assert info is not None
        return info.tags

    def other_image(self) -> str:
        return new_image(self.ports, self.name, f"{self.name}:other")


def lab_password() -> str:
    return Path(os.environ["DOCKCYCLE_LAB_REGISTRY_PASSWORD_FILE"]).read_text().strip()


def new_image(ports: Ports, label: str, ref: str) -> str:
    engine = ports.engine
    base = engine.image("busybox:1") or engine.pull("busybox:1", None, lambda _: None, Scope(60))
    container = engine.create(
        ContainerSpec(image=base.id, name=f"{label}-{uuid.uuid4().hex[:6]}", command=("true",))
    )
    try:
        return engine.commit(container, ref, {"test": label, "id": uuid.uuid4().hex}).id
    finally:
        engine.remove(container)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    ports, name = real_ports(os.environ), f"push{uuid.uuid4().hex[:8]}"
    made = Bench(ports, name, new_image(ports, name, f"{name}:built"), tmp_path, Recorded())
    yield made
    for image in ports.engine.images({"test": name}):
        ports.engine.remove_image(image.id, force=True)


def at(host: str, secret: str = "GOOD") -> dict[str, Any]:
    return {"ref": f"{host}/hello", "username": LOGIN[0], "password": secret}


# real registries


def test_local_password_and_archive_side_by_side(bench: Bench) -> None:
    private = os.environ["DOCKCYCLE_LAB_REGISTRY"]
    user = os.environ["DOCKCYCLE_LAB_REGISTRY_USER"]
    pushed = bench.push(
        "local",
        {"ref": f"{private}/{bench.name}", "username": user, "password": "LAB"},
        {"archive": "out/image.tar"},
    ).services["app"]
    assert [one.config for one in pushed] == [bench.image, bench.image, ""]
    assert pushed[0].ref.startswith("127.0.0.1:") and pushed[0].ref.endswith(f"/{bench.name}:1")
    assert pushed[0].digest == pushed[1].digest
    assert bench.names() == (f"{bench.name}:built",), "names for pushing are gone"
    (digests,) = archived_images(bench.directory / "out" / "image.tar").values()
    assert bench.image in digests


def test_the_registry_on_this_machine_is_not_the_one_that_is_there_already(bench: Bench) -> None:
    (pushed,) = bench.push("local").services["app"]
    assert not pushed.ref.startswith(os.environ["DOCKCYCLE_LAB_HUB"] + "/")


def test_pushed_again_is_the_same_and_quick(bench: Bench) -> None:
    first = bench.push("local")
    started = time.monotonic()
    assert bench.push("local") == first
    assert time.monotonic() - started < 1


def test_a_pushed_image_can_be_pulled_by_its_digest(bench: Bench) -> None:
    (pushed,) = bench.push("local").services["app"]
    engine = bench.ports.engine
    engine.remove_image(bench.image, force=True)
    name = f"{pushed.ref.rpartition(':')[0]}@{pushed.digest}"
    assert engine.pull(name, None, lambda line: None, Scope(60)).id == bench.image


def test_a_wrong_password_is_told_at_once_with_the_remedy(bench: Bench) -> None:
    private = os.environ["DOCKCYCLE_LAB_REGISTRY"]
    started = time.monotonic()
    with pytest.raises(RegistryDenied) as caught:
        bench.push({"ref": f"{private}/x", "username": "lab", "password": "BAD"})
    assert time.monotonic() - started < 5
    assert f"docker login {private}" in caught.value.hint
    assert "lab (from secret BAD)" in caught.value.message
    assert bench.names() == (f"{bench.name}:built",)


def test_one_registry_down_fails_the_stage_and_the_other_has_the_image(bench: Bench) -> None:
    with registry_server() as server, pytest.raises(RegistryUnavailable) as caught:
        bench.push("127.0.0.1:1/hello", f"{server.host}/hello")
    assert "127.0.0.1:1" in caught.value.message
    assert server.script.manifests
    (notice,) = bench.recorded.of(Notice)
    assert notice.message == f"pushed all the same: {server.host}/hello:1"


# tested = pushed


def test_a_retag_while_it_is_pushed_is_caught(bench: Bench) -> None:
    other, engine = bench.other_image(), bench.ports.engine
    with registry_server() as server:
        name = f"{server.host}/hello:1"
        push = engine.push

        def stolen(ref: str, *more: Any) -> str:
            engine.tag(other, ref)
            return push(ref, *more)

        engine.push = stolen  # type: ignore[method-assign]
        with pytest.raises(StageFailed, match="is not the tested image"):
            bench.push(f"{server.host}/hello")
        assert engine.image(name) is None, "the name is gone, whatever it was on"


def test_a_lost_local_name_does_not_lose_the_image(bench: Bench) -> None:
    engine = bench.ports.engine
    engine.tag(bench.other_image(), f"{bench.name}:built")
    with registry_server() as server:
        (pushed,) = bench.push(f"{server.host}/hello").services["app"]
    assert pushed.config == bench.image
    assert bench.names() == (f"dockcycle/kept:{bench.image[7:19]}",)


# a registry that misbehaves


@pytest.mark.parametrize("tokens", [False, True])
def test_basic_and_token_authentication(bench: Bench, tokens: bool) -> None:
    with registry_server(login=LOGIN, tokens=tokens) as server:
        (pushed,) = bench.push(at(server.host)).services["app"]
        assert pushed.config == bench.image
        with pytest.raises(RegistryDenied):
            bench.push(at(server.host, secret="BAD"))
        with pytest.raises(RegistryDenied):
            bench.push(f"{server.host}/hello")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503),
        Fault(status=503, method="PUT", path="manifests"),
        Fault(drop=True, method="PUT", path="manifests"),
        Fault(drop=True, method="GET", path="manifests"),
    ],
)
def test_what_passes_is_tried_again(bench: Bench, fault: Fault) -> None:
    with registry_server(faults=[fault]) as server:
        (pushed,) = bench.push(f"{server.host}/hello").services["app"]
        assert pushed.config == bench.image
        assert server.script.faults == []


def test_too_many_requests_are_waited_out_as_asked(bench: Bench) -> None:
    limit = Fault(status=429, headers={"Retry-After": "2"})
    put = Fault(status=429, headers={"Retry-After": "2"}, method="PUT", path="manifests")
    started = time.monotonic()
    with registry_server(faults=[put, limit]) as server:
        assert bench.push(f"{server.host}/hello").services["app"]
    assert time.monotonic() - started > 2
    assert any("trying again" in log.line for log in bench.recorded.of(StageLog))


def test_a_registry_that_only_fails_is_given_up_soon(bench: Bench) -> None:
    started = time.monotonic()
    with (
        registry_server(faults=[Fault(status=500)] * 50) as server,
        pytest.raises(RegistryUnavailable, match="answers 500"),
    ):
        bench.push(f"{server.host}/hello")
    assert time.monotonic() - started < 20
    assert bench.names() == (f"{bench.name}:built",)


def test_a_registry_that_hangs_ends_with_the_stages_time(bench: Bench) -> None:
    slow = Fault(delay=10, method="PUT", path="manifests")
    started = time.monotonic()
    with registry_server(faults=[slow]) as server, pytest.raises(DeadlineExceeded):
        bench.push(f"{server.host}/hello", seconds=3)
    assert time.monotonic() - started < 8
    assert bench.names() == (f"{bench.name}:built",)


def test_an_interrupted_push_leaves_no_name(bench: Bench) -> None:
    slow = Fault(delay=10, method="PUT", path="manifests")
    context = bench.context()
    with registry_server(faults=[slow]) as server:
        options = PushOptions.model_validate({"to": [f"{server.host}/hello"], "tags": ["1"]})
        threading.Timer(1.0, context.scope.cancel).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            PushStage(options).run(context)
    assert time.monotonic() - started < 6
    assert bench.names() == (f"{bench.name}:built",)
