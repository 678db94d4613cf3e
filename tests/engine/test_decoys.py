"""What dockcycle did not make it never touches, however much it looks like its own."""

from __future__ import annotations

import io
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest

from pipeline.kit.labels import labels
from pipeline.store import Home
from tests.engine import quick
from tests.engine.conftest import AppUnderTest, end, new_app
from tests.engine.small import small_app, write_version

pytestmark = pytest.mark.engine

BASE = "busybox:1"


@dataclass
class Decoys:
    """Objects of strangers. ``all_there`` says what has become of them."""

    engine: docker.DockerClient
    containers: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    """Names."""

    def container(self, name: str, marks: Mapping[str, str] | None = None, of: str = BASE) -> None:
        made = self.engine.containers.run(
            of, ["sleep", "3600"], name=name, labels=dict(marks or {}), detach=True, init=True
        )
        self.containers.append(str(made.id))

    def network(self, name: str, marks: Mapping[str, str] | None = None) -> None:
        made = self.engine.networks.create(name, labels=dict(marks or {}))
        self.networks.append(str(made.id))

    def volume(self, name: str, marks: Mapping[str, str] | None = None) -> None:
        self.engine.volumes.create(name, labels=dict(marks or {}))
        self.volumes.append(name)

    def image(self, name: str, marks: dict[str, str] | None = None, base: str = BASE) -> None:
        """Built by somebody else; from an image of ours it inherits our labels."""
        text = f"FROM {base}\nENV OF={name}\n"
        self.engine.images.build(fileobj=io.BytesIO(text.encode()), tag=name, labels=marks, rm=True)
        self.images.append(name)

    def name(self, image: str, name: str) -> None:
        """A name that the user has given to an image."""
        self.engine.images.get(image).tag(name)
        self.images.append(name)

    def state(self) -> dict[str, str]:
        """What there is of them, and since when."""
        api = self.engine.api
        containers = {c["Id"]: c for c in api.containers(all=True)}
        networks = {n["Id"]: n for n in api.networks()}
        volumes = {v["Name"]: v for v in api.volumes()["Volumes"] or []}
        images = {tag: image["Id"] for image in api.images() for tag in image["RepoTags"] or []}
        found = {}
        for key in self.containers:
            there = containers.get(key, {"Names": [key], "State": "gone"})
            found[f"container {there['Names'][0]}"] = there["State"]
        for key in self.networks:
            found[f"network {networks.get(key, {'Name': key})['Name']}"] = str(key in networks)
        for name in self.volumes:
            found[f"volume {name}"] = volumes.get(name, {}).get("CreatedAt", "gone")
        for name in self.images:
            found[f"image {name}"] = images.get(name, "gone")
        return found

    def remove(self) -> None:
        api = self.engine.api
        for remove, keys in (
            (lambda key: api.remove_container(key, force=True), self.containers),
            (api.remove_network, self.networks),
            (api.remove_volume, self.volumes),
            (api.remove_image, self.images[::-1]),
        ):
            for key in keys:
                with suppress(docker.errors.NotFound):
                    remove(key)


@contextmanager
def decoys(engine: docker.DockerClient) -> Iterator[Decoys]:
    made = Decoys(engine)
    try:
        yield made
    finally:
        made.remove()


def surround(app: AppUnderTest, made: Decoys) -> None:
    """Neighbours with names like the project's, and with every kind of label but its own."""
    name, neighbour = app.name, f"{app.name}2"
    client = Home(app.home).client()
    live = labels(neighbour, "live", run="20260101T000000-aaaa", client=client, release="r1")
    candidate = labels(neighbour, "candidate", run="20260101T000000-aaaa", client=client)
    composed = {"com.docker.compose.project": neighbour, "com.docker.compose.service": "web"}

    made.container(neighbour)
    made.container(f"{name}-candidate-0000")
    made.container(f"{name}-old")
    made.container(f"{neighbour}-r1", live)
    made.container(f"{neighbour}-candidate-aaaa", candidate)
    made.container(f"{neighbour}-web-1", composed)
    made.network(f"{name}_default")
    made.network(f"{neighbour}_default", composed)
    made.network(f"{neighbour}-candidate-aaaa_default", candidate)
    made.volume(f"{name}_data")
    made.volume(f"{neighbour}_data", live)
    made.volume(f"dockcycle.{name}.000002")  # in the way of our own record
    made.volume(f"dockcycle.{neighbour}.000001", labels(neighbour, "record", release="r1"))
    made.image(f"{neighbour}:latest", labels(neighbour, "image"))
    made.image(f"{name}:mine")
    made.name(f"{neighbour}:latest", f"dockcycle/{neighbour}-app:r1")


def use(app: AppUnderTest, made: Decoys) -> None:
    """What others make of an image of ours."""
    (ours,) = (
        image["Id"]
        for image in made.engine.api.images()
        if f"dockcycle/{app.name}-app:r1" in (image["RepoTags"] or ())
    )
    made.image(f"stranger/{app.name}:1", base=ours)
    made.image(f"stranger/{app.name}:2", base=ours)
    made.container(f"{app.name}-by-hand", of=f"stranger/{app.name}:2")
    made.name(ours, f"keepsake/{app.name}:1")


def test_whatever_is_done_strangers_stay(tmp_path: Path, engine: docker.DockerClient) -> None:
    with small_app(tmp_path, engine) as app, decoys(engine) as made:
        surround(app, made)
        write_version(app, 1)
        assert quick.command(app, "run").code == 0
        use(app, made)
        before = made.state()
        assert "gone" not in before.values()

        def unharmed(*args: str, code: int = 0, **environ: str) -> None:
            done = quick.command(app, *args, **environ)
            assert done.code == code, done.text
            assert made.state() == before, args

        write_version(app, 2)
        unharmed("run")
        write_version(app, 3, "bad, version {version}\n")
        unharmed("run", code=1)
        write_version(app, 4)
        unharmed("run", code=-signal.SIGKILL, DOCKCYCLE_FAILPOINT="21")
        unharmed("run")
        unharmed("rollback", "r2")
        unharmed("prune")
        unharmed("image", "prune")
        unharmed("restart")
        unharmed("kill")
        unharmed("start")
        unharmed("stop")
        unharmed("rm")
        unharmed("rollback", "r3")
        unharmed("down", "--volumes")


def test_a_compose_project_of_the_same_name(tmp_path: Path, engine: docker.DockerClient) -> None:
    app = new_app(tmp_path / "app", tmp_path / "home")
    (app.directory / "compose.yaml").write_text(
        f"services:\n  web: {{image: '{BASE}', command: [sleep, '3600'], init: true}}\n"
    )
    app.pipeline(
        "version: 1\nname: {name}\nstages:\n  - code\n  - dockerfile\n  - build\n"
        "  - run: {{compose: compose.yaml}}\n  - operate\n"
    )
    app.commit()
    theirs = {"com.docker.compose.project": app.name, "com.docker.compose.service": "web"}
    with decoys(engine) as made:
        made.container(f"{app.name}-web-1", theirs)
        before = made.state()
        done = quick.command(app, "run")
        assert done.code == 1, done.text
        assert f"there is a Compose project {app.name} that dockcycle did not start" in done.text
        assert quick.command(app, "down", "--volumes").code == 0
        assert made.state() == before
    end(app, engine)
