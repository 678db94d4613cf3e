"""The supervisor's container: what it is made from, and what installing it does."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

import pipeline
from pipeline.adapters.fake_engine import FakeClock, FakeEngine, Program
from pipeline.app.supervise.container import Installation, values
from pipeline.errors import ConfigError, EngineRefused, Unusable
from pipeline.kit.dockerfile import hadolint
from pipeline.kit.labels import PROJECT, ROLE
from pipeline.kit.supervision import KEEPS
from pipeline.kit.supervision.box import NAME, OURS, SELF, SOCKET, Box, box, socket_of
from pipeline.ports.engine import ContainerSpec, ImageInfo
from pipeline.scope import Scope
from tests.support.stage_context import ListJournal

ROOT = Path(__file__).parents[3]
IMAGE = "acme/dockcycle:1"
PLAIN = Box()


class Nobody:
    def lookup(self, host: str) -> None:
        return None


class World:
    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.engine.publish(IMAGE, program=Program(log=(f"{KEEPS} fake",)))
        self.told: list[str] = []

    def install(self, wanted: Box = PLAIN, image: str = IMAGE) -> None:
        made = Installation(
            self.engine, cast(Any, Nobody()), FakeClock(), ListJournal(), self.told.append
        )
        made.install(wanted, image, Scope())

    @property
    def commands(self) -> list[tuple[str, ...]]:
        return [one.settings.command for one in self.engine.containers(OURS)]


@pytest.fixture
def world() -> World:
    return World()


def test_it_is_started_with_the_socket_and_its_state_and_belongs_to_no_project(
    world: World,
) -> None:
    world.install(Box(("--project=hello",), "/run/user/1000/docker.sock", {"TOKEN": "s3cret"}))
    found = box(world.engine)
    assert found is not None and found.running and found.name == NAME
    assert found.restart == "unless-stopped"
    assert PROJECT not in found.labels and found.labels[ROLE] == "supervisor"
    mounts = {(one.source, one.target) for one in found.mounts}
    assert mounts == {("/run/user/1000/docker.sock", SOCKET), (NAME, "/var/lib/dockcycle")}
    assert found.environment["TOKEN"] == "s3cret" and SELF in found.environment
    assert [volume.name for volume in world.engine.volumes(OURS)] == [NAME]
    assert "docker rm -f" in world.told[-1]
    assert not any("s3cret" in line for line in world.told)


def test_installed_again_it_has_the_new_options(world: World) -> None:
    world.install()
    world.install(Box(("--repairs=3",)))
    (found,) = world.engine.containers(OURS)
    assert found.name == NAME and found.running
    assert found.settings.command == ("supervise", "--repairs=3")


def test_what_a_killed_installation_left_is_no_hindrance(world: World) -> None:
    image = world.engine.pull(IMAGE, None, lambda line: None, Scope())
    world.engine.create(Box().spec(image, f"{NAME}-next"))
    world.install()
    assert [one.name for one in world.engine.containers(OURS)] == [NAME]


def test_an_image_that_cannot_be_had_is_told_with_how_to_make_it(world: World) -> None:
    world.install()
    with pytest.raises(Unusable, match="cannot be had") as caught:
        world.install(image="example.com/none:1")
    assert "docker build -t example.com/none:1 ." in caught.value.hint
    assert len(world.commands) == 1  # the one before it is still there


def test_one_that_ends_at_once_is_removed_and_its_log_shown(world: World) -> None:
    world.engine.publish("bad:1", program=Program(log=("no such option",), exits=2))
    with pytest.raises(Unusable, match="did not start") as caught:
        world.install(image="bad:1")
    assert "no such option" in caught.value.detail
    assert world.commands == []


def test_a_container_of_somebody_else_with_the_name_stays(world: World) -> None:
    image = world.engine.pull(IMAGE, None, lambda line: None, Scope())
    world.engine.create(ContainerSpec(image=image.id, name=NAME))
    with pytest.raises(EngineRefused, match="did not make"):
        world.install()
    assert world.engine.inspect(NAME) is not None


def test_an_image_of_a_project_does_not_make_it_one_of_the_project() -> None:
    spec = Box().spec(ImageInfo(id="sha256:1", labels={PROJECT: "dockcycle"}))
    assert spec.labels[PROJECT] == ""


def test_the_command_says_what_is_started() -> None:
    made = Box(("--project=a b",), variables={"TOKEN": "s3cret"})
    text = made.command("img:1", Path("/etc/dockcycle/supervise.env"))
    words = shlex.split(text.replace("\\\n", " "))
    assert words[:3] == ["docker", "run", "--detach"]
    assert words[-3:] == ["img:1", "supervise", "--project=a b"]
    spec = made.spec(ImageInfo(id="sha256:1"))
    assert spec.network is not None
    for option, value in (
        ("--name", NAME), ("--restart", spec.restart), ("--network", spec.network),
        ("--env-file", "/etc/dockcycle/supervise.env"), ("--security-opt", *spec.security_opt),
        ("--mount", f"type=bind,source={SOCKET},target={SOCKET}"),
    ):  # fmt: skip
        assert words[words.index(value) - 1] == option
    assert "s3cret" not in text


@pytest.mark.parametrize(
    ("address", "platform", "socket"),
    [
        ("unix:///run/user/1000/docker.sock", "linux", "/run/user/1000/docker.sock"),
        ("unix:///home/me/.docker/desktop/docker.sock", "linux", SOCKET),
        ("unix:///Users/me/.docker/run/docker.sock", "darwin", SOCKET),
        ("ssh://deploy@server", "linux", SOCKET),
    ],
)
def test_the_socket_is_the_one_of_the_engines_machine(
    address: str, platform: str, socket: str
) -> None:
    assert socket_of(address, platform) == socket


def test_values_of_secrets_come_from_a_file_that_need_not_be_there(tmp_path: Path) -> None:
    file = tmp_path / "supervise.env"
    assert values(file) == {}
    file.write_text("TOKEN='a b'\n# no\n")
    assert values(file) == {"TOKEN": "a b"}
    file.write_text("what is this\n")
    with pytest.raises(ConfigError):
        values(file)


def test_the_image_says_the_version_and_hadolint_has_nothing_to_say() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^ARG VERSION=(.+)$", text, re.M) == [pipeline.__version__]
    program = next(hadolint.programs())
    done = subprocess.run([program, str(ROOT / "Dockerfile")], text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (0, "")
