"""The build stage on a real engine: several services at once, secrets, what is left."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from pipeline.artifacts import Dockerfiles, Images, Source
from pipeline.errors import StageFailed
from pipeline.kit import ignore
from pipeline.kit.content import content_hash
from pipeline.ports import Ports, Repo
from pipeline.ports.engine import ContainerSpec
from pipeline.scope import Scope
from pipeline.stage import Context
from stages.build import BuildOptions, BuildStage
from stages.dockerfile import DockerfileOptions, DockerfileStage
from stages.run import RunOptions
from tests.support.real_ports import real_ports
from tests.support.stage_context import Recorded, stage_context

pytestmark = pytest.mark.engine
COMPOSE = """\
services:
  one:
    build: {context: one, args: {WORD: first}}
  two:
    build:
      context: two
      dockerfile_inline: |
        FROM base
        RUN cat /word > /tmp/copied
        USER 1
      additional_contexts: {base: "service:one"}
  three:
    build: one
    profiles: [more]
  store:
    image: busybox:1
"""
DOCKERFILE = """\
FROM busybox:1
ARG WORD
RUN echo $WORD > /word
COPY file /
USER 1
CMD ["cat", "/word"]
"""


class NoRepo:
    """Outside of git."""

    def head(self, directory: str) -> None:
        return None


class Shop:
    """A Compose project in a folder, and both stages on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"b{uuid.uuid4().hex[:8]}"
        self.ports: Ports = replace(real_ports(), repo=cast(Repo, NoRepo()))
        self.recorded = Recorded()
        self.stages: list[tuple[BuildStage, Context]] = []
        for service in ("one", "two"):
            (folder / service).mkdir()
            (folder / service / "file").write_text(service)
        (folder / "one" / "Dockerfile").write_text(DOCKERFILE)
        (folder / "compose.yaml").write_text(COMPOSE)

    def build(self, values: dict[str, str] | None = None, **options: Any) -> Images:
        content = content_hash(self.folder, ignore.in_force(self.folder))
        source = Source(path=str(self.folder), root=str(self.folder), content=content)
        ctx = stage_context(
            source, ports=self.ports, recorded=self.recorded, directory=self.folder,
            project=self.name, scope=Scope(200), secrets=values,
        )  # fmt: skip
        ctx = replace(ctx, peers={"run": RunOptions(compose=("compose.yaml",))})
        lint = {"ignore": ["moving-base", "DL3006"]}
        (files,) = DockerfileStage(DockerfileOptions.model_validate({"lint": lint})).run(ctx)
        assert isinstance(files, Dockerfiles)
        ctx.evidence.add(files)
        stage = BuildStage(BuildOptions.model_validate(options))
        self.stages.append((stage, ctx))
        (images,) = stage.run(ctx)
        assert isinstance(images, Images)
        return images

    def undo(self) -> None:
        for stage, ctx in reversed(self.stages):
            stage.cleanup(ctx)

    def ours(self) -> list[str]:
        return [image.id for image in self.ports.engine.images({"dockcycle.project": self.name})]

    def says(self, image: str, *command: str) -> str:
        spec = ContainerSpec(image=image, name=self.name, command=command, init=False)
        return self.ports.engine.run_once(spec, lambda line: None, Scope(60)).output.strip()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.undo()
    assert made.ours() == []


def test_services_side_by_side_and_from_each_other(shop: Shop) -> None:
    images = shop.build()
    assert set(images.services) == {"one", "two", "store"}
    assert shop.says(images.services["one"].id) == "first"
    assert shop.says(images.services["two"].id, "cat", "/tmp/copied") == "first"
    assert not images.services["store"].built
    found = shop.ports.engine.image(images.services["one"].tags[0])
    assert found is not None
    assert found.id == images.services["one"].id


def test_again_it_is_the_same_image(shop: Shop) -> None:
    assert shop.build() == shop.build()


def test_one_that_breaks_leaves_nothing(shop: Shop) -> None:
    (shop.folder / "one" / "Dockerfile").write_text(f"{DOCKERFILE}RUN exit 7\n")
    with pytest.raises(StageFailed, match=r"one: RUN exit 7 failed"):
        shop.build()
    shop.undo()
    assert shop.ours() == []


def test_a_failed_run_gives_the_name_back(shop: Shop) -> None:
    first = shop.build(tags=["latest"]).services["one"]
    (shop.folder / "one" / "file").write_text("changed")
    second = shop.build(tags=["latest"]).services["one"]
    assert second.id != first.id
    stage, ctx = shop.stages.pop()
    stage.cleanup(ctx)
    found = shop.ports.engine.image(first.tags[0])
    assert found is not None
    assert found.id == first.id
    assert shop.ports.engine.image(second.id) is None


def test_a_mounted_secret_is_nowhere_in_the_image(shop: Shop) -> None:
    secret = f"s3cret-{uuid.uuid4().hex}"
    (shop.folder / "one" / "Dockerfile").write_text(
        "FROM busybox:1\n"
        "RUN --mount=type=secret,id=TOKEN wc -c < /run/secrets/TOKEN > /word\n"
        'USER 1\nCMD ["cat", "/word"]\n'
    )
    images = shop.build({"TOKEN": secret}, secrets=["TOKEN"])
    image = images.services["one"].id
    assert shop.says(image) == str(len(secret))
    archive = shop.folder / "image.tar"
    shop.ports.engine.save([images.services["one"].tags[0]], str(archive), Scope(60))
    assert secret.encode() not in archive.read_bytes()
    history = subprocess.run(
        ["docker", "history", "--no-trunc", image], env=os.environ, capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert secret not in history.stdout
    assert secret not in str(shop.recorded.events)
