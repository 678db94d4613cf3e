"""One suite, two engines: whatever holds for the real one must hold for the fake.

Containers run shell commands. The real engine runs them; the fake is told what they would do
(``PROGRAMS``).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pipeline.adapters.docker_engine import DockerEngine
from pipeline.adapters.fake.files import MINIMAL, FakeFile
from pipeline.adapters.fake_engine import FakeEngine, Program
from pipeline.ports import Auth, Engine
from pipeline.ports.engine import BuildStep, ContainerSpec, Port
from pipeline.scope import Scope

IMAGE = "busybox:1"
WRITES = "mkdir -p /srv/new && echo hi > /srv/new/page && rm /etc/group && chmod 600 /etc/passwd"
IDLE = "trap exit TERM; while :; do sleep 0.1; done"
PROGRAMS = {
    IDLE: Program(),
    "echo one; echo two; echo three": Program(log=("one", "two", "three"), exits=0),
    "echo out; exit 3": Program(log=("out",), exits=3),
    f"echo up; {IDLE}": Program(log=("up",)),
    f"{WRITES}; {IDLE}": Program(
        files={
            "/srv/new/page": FakeFile(b"hi\n"),
            "/etc/group": None,
            "/etc/passwd": replace(MINIMAL["/etc/passwd"], mode=0o600),
        }
    ),
}


@dataclass
class Recorder:
    """A build listener that writes down what it hears."""

    steps: list[BuildStep] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def step(self, step: BuildStep) -> None:
        self.steps.append(step)

    def line(self, step: str, text: str) -> None:
        self.lines.append((step, text))

    def notice(self, message: str, hint: str) -> None:
        self.notices.append(message)


@dataclass
class World:
    """An engine with names that nobody else uses."""

    engine: Engine
    id: str
    registry: str
    """A registry that wants a password."""
    auth: Auth
    closed: str
    """A host where no registry answers."""

    @property
    def labels(self) -> dict[str, str]:
        return {"contract": self.id}

    def name(self, suffix: str = "a") -> str:
        return f"contract-{self.id}-{suffix}"

    def ref(self, suffix: str = "a", tag: str = "1") -> str:
        return f"contract/{self.id}-{suffix}:{tag}"

    def scope(self, seconds: float = 20) -> Scope:
        return Scope(seconds, what="test")

    @property
    def image(self) -> str:
        found = self.engine.image(IMAGE) or self.engine.pull(
            IMAGE, None, lambda line: None, self.scope(60)
        )
        return found.id

    def spec(
        self, suffix: str = "a", script: str = IDLE, *, ports: Sequence[Port] = (), **more: object
    ) -> ContainerSpec:
        fields = {
            "image": self.image, "name": self.name(suffix), "command": ("sh", "-c", script),
            "ports": tuple(ports), "labels": self.labels, "stop_grace": 2,
        }  # fmt: skip
        return ContainerSpec.model_validate(fields | more)

    def started(
        self, suffix: str = "a", script: str = IDLE, *, ports: Sequence[Port] = (), **more: object
    ) -> str:
        container = self.engine.create(self.spec(suffix, script, ports=ports, **more))
        self.engine.start(container)
        return container

    def own_image(self, suffix: str = "a") -> str:
        """An image of this test's own, with one name; its id."""
        container = self.engine.create(self.spec("source"))
        try:
            return self.engine.commit(container, self.ref(suffix), self.labels).id
        finally:
            self.engine.remove(container)

    def clean(self) -> None:
        for container in self.engine.containers(self.labels):
            self.engine.remove(container.id, volumes=True)
        for network in self.engine.networks(self.labels):
            self.engine.remove_network(network.name)
        for volume in self.engine.volumes(self.labels):
            self.engine.remove_volume(volume.name)
        for image in self.engine.images(self.labels):
            self.engine.remove_image(image.id, force=True)


def fake_world() -> World:
    engine = FakeEngine(programs={("sh", "-c", text): prog for text, prog in PROGRAMS.items()})
    engine.publish(IMAGE)
    auth = Auth(username="lab", password="secret")
    engine.registries["127.0.0.1:5001"] = auth
    return World(engine, uuid.uuid4().hex[:8], "127.0.0.1:5001", auth, "127.0.0.1:1")


def real_world() -> World:
    environ = os.environ
    if "DOCKCYCLE_LAB" not in environ:
        pytest.fail("engine tests run inside the lab: python -m lab exec -- python -m pytest …")
    password = Path(environ["DOCKCYCLE_LAB_REGISTRY_PASSWORD_FILE"]).read_text().strip()
    auth = Auth(username=environ["DOCKCYCLE_LAB_REGISTRY_USER"], password=password)
    engine = DockerEngine.from_environment(environ)
    registry = environ["DOCKCYCLE_LAB_REGISTRY"]
    return World(engine, uuid.uuid4().hex[:8], registry, auth, "127.0.0.1:1")
