"""What an existing lock means to the stages: it is made complete, and builds take its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.adapters.fake_engine import FakeClock, FakeEngine
from pipeline.adapters.shell import LocalShell
from pipeline.artifacts import Dockerfiles, Images, Source
from pipeline.errors import DockcycleError, EngineUnavailable, RegistryUnavailable
from pipeline.events import Notice
from pipeline.kit import lock
from pipeline.kit.lock import Lock
from pipeline.ports.engine import BuildListener, BuildRequest, ImageInfo
from pipeline.scope import Scope
from pipeline.stage import Context
from stages.build import BuildOptions, BuildStage
from stages.dockerfile import DockerfileOptions, DockerfileStage
from stages.run import RunOptions
from tests.support.stage_context import Recorded, stage_context

TEXT = "ARG V=3.12\nFROM python:${V}-slim\nUSER 1\n"
OLD = "sha256:" + "0" * 64


class Engine(FakeEngine):
    """Remembers the Dockerfiles that it was asked to build."""

    def __init__(self) -> None:
        super().__init__()
        self.built: list[str] = []

    def build(self, request: BuildRequest, listener: BuildListener, scope: Scope) -> ImageInfo:
        self.built.append(request.dockerfile_text)
        return super().build(request, listener, scope)


class Project:
    """A Dockerfile, a lock if there is one, and both stages."""

    def __init__(
        self, folder: Path, known: Mapping[str, str] | None, services: Any = None, **options: Any
    ) -> None:
        self.folder, self.engine, self.recorded = folder, Engine(), Recorded()
        self.engine.publish("python:3.13-slim")
        self.engine.publish("redis:7")
        (folder / "Dockerfile").write_text(TEXT)
        (folder / "compose.yaml").write_text("")
        if known is not None:
            lock.write(folder, Lock(known))
        self.dockerfile = DockerfileStage(DockerfileOptions.model_validate(options))
        self.build = BuildStage(BuildOptions(args={"V": "3.13"}))
        self.model = {"services": services} if services else None

    def context(self) -> Context:
        ports = SimpleNamespace(
            shell=LocalShell(), engine=self.engine, clock=FakeClock(),
            compose=SimpleNamespace(resolve=lambda files, **more: self.model),
            credentials=SimpleNamespace(lookup=lambda host: None),
            repo=SimpleNamespace(head=lambda directory: None),
        )  # fmt: skip
        source = Source(path=str(self.folder), root=str(self.folder), content="c0ffee")
        ctx = stage_context(source, ports=ports, recorded=self.recorded, directory=self.folder)
        peers: dict[str, Any] = {"build": self.build.options}
        if self.model:
            peers["run"] = RunOptions(compose=("compose.yaml",))
        return replace(ctx, peers=peers)

    def run(self) -> Images:
        ctx = self.context()
        (made,) = self.dockerfile.run(ctx)
        assert isinstance(made, Dockerfiles)
        ctx.evidence.add(made)
        (images,) = self.build.run(ctx)
        assert isinstance(images, Images)
        return images

    def fingerprint(self) -> str | None:
        ctx = self.context()
        ctx.evidence.add(self.dockerfile.run(ctx)[0])
        return self.build.fingerprint(ctx)

    def told(self, word: str) -> list[Notice]:
        found = self.recorded.of(Notice)
        return [notice for notice in found if word in notice.message]

    def digest(self, name: str) -> str:
        return self.engine.digest(name, None, Scope(10))


def test_without_a_lock_nothing_is_asked_or_written(tmp_path: Path) -> None:
    project = Project(tmp_path, None)
    project.run()
    assert project.engine.built == [TEXT]
    assert not (tmp_path / "pipeline.lock").exists()
    assert not any(call[0] == "digest" for call in project.engine.state.calls)


def test_what_a_lock_lacks_is_added_and_builds_take_it(tmp_path: Path) -> None:
    project = Project(tmp_path, {"other:1": OLD})
    project.run()
    digest = project.digest("python:3.13-slim")
    assert project.engine.built == [TEXT.replace("python:${V}-slim", f"python:3.13-slim@{digest}")]
    assert lock.read(tmp_path) == Lock({"other:1": OLD, "python:3.13-slim": digest})
    assert project.told("added python:3.13-slim")
    assert ("file", str(tmp_path / "pipeline.lock")) in project.recorded.journal.done
    assert (tmp_path / "Dockerfile").read_text() == TEXT


def test_what_it_has_is_neither_asked_nor_changed(tmp_path: Path) -> None:
    project = Project(tmp_path, {"python:3.13-slim": OLD})
    before = (tmp_path / "pipeline.lock").read_bytes()
    project.run()
    assert f"@{OLD}" in project.engine.built[0]
    assert (tmp_path / "pipeline.lock").read_bytes() == before
    assert not any(call[0] == "digest" for call in project.engine.state.calls)


def test_a_moved_lock_is_another_input_of_the_build(tmp_path: Path) -> None:
    project = Project(tmp_path, {"python:3.13-slim": OLD})
    before = project.fingerprint()
    assert before == project.fingerprint()
    lock.write(tmp_path, Lock({"python:3.13-slim": OLD.replace("0", "1")}))
    assert project.fingerprint() != before


@pytest.mark.parametrize("error", [RegistryUnavailable("it sleeps"), EngineUnavailable("gone")])
def test_without_an_answer_the_build_goes_on_as_the_tag_stands(
    tmp_path: Path, error: DockcycleError
) -> None:
    project = Project(tmp_path, {})
    project.engine.state.fail("digest", error)
    project.run()
    assert project.engine.built == [TEXT]
    assert lock.read(tmp_path) == Lock({})
    assert project.told("python:3.13-slim")[0].level == "warning"


def test_a_build_from_memory_writes_no_lock_either(tmp_path: Path) -> None:
    Project(tmp_path, {}, write=False).run()
    assert lock.read(tmp_path) == Lock({})


def test_images_of_compose_are_pulled_by_their_digest(tmp_path: Path) -> None:
    services = {"web": {"build": {"context": str(tmp_path)}}, "cache": {"image": "redis:7"}}
    project = Project(tmp_path, {}, services)
    images = project.run()
    digest = project.digest("redis:7")
    assert ("pull", f"redis:7@{digest}") in project.engine.state.calls
    assert images.services["cache"].tags == ("redis:7",)
    project.engine.publish("redis:7")
    known = lock.read(tmp_path)
    assert known is not None
    again = Project(tmp_path, known.images, services)
    again.engine.state = project.engine.state
    assert again.run().services["cache"] == images.services["cache"]
