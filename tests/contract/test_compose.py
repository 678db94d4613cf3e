"""What holds for Docker Compose must hold for the fake one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.compose import DockerCompose
from pipeline.adapters.docker_engine import DockerEngine
from pipeline.adapters.fake_compose import FakeCompose
from pipeline.adapters.fake_engine import FakeEngine
from pipeline.adapters.shell import LocalShell
from pipeline.errors import ConfigError, StageFailed
from pipeline.kit.compose_model import PROJECT_LABEL, SERVICE_LABEL
from pipeline.ports import Compose
from pipeline.ports.engine import ContainerInfo
from tests.contract.world import IDLE, World


@pytest.fixture
def compose(world: World) -> Iterator[Compose]:
    made: Compose
    if isinstance(world.engine, FakeEngine):
        made = FakeCompose(world.engine)
    else:
        engine = DockerEngine.from_environment(os.environ)
        made = DockerCompose(LocalShell(), engine.environment, engine.ping)
    yield made
    made.down(None, project=world.name(), volumes=True, on_line=print, scope=world.scope(60))


def service(world: World, script: str = IDLE, **more: Any) -> dict[str, Any]:
    return {"image": world.image, "pull_policy": "never", "command": ["sh", "-c", script],
            "stop_grace_period": "1s", "networks": {"default": None}, **more}  # fmt: skip


def model(services: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"services": dict(services), "networks": {"default": {}}, **more}


def up(world: World, compose: Compose, given: Mapping[str, Any], **more: Any) -> None:
    compose.up(given, project=world.name(), pull=False, on_line=print, scope=world.scope(60),
               **more)  # fmt: skip


def containers(world: World) -> dict[str, ContainerInfo]:
    found = world.engine.containers({PROJECT_LABEL: world.name()})
    return {container.labels[SERVICE_LABEL]: container for container in found}


def test_services_run_with_their_labels_and_volumes(world: World, compose: Compose) -> None:
    mount = {"type": "volume", "source": "data", "target": "/data"}
    web = service(world, labels=world.labels, volumes=[mount], environment={"A": "b"})
    up(world, compose, model({"web": web}, volumes={"data": {"labels": world.labels}}))
    found = containers(world)["web"]
    assert found.running
    assert found.labels.items() >= world.labels.items()
    assert found.environment["A"] == "b"
    assert [volume.name for volume in world.engine.volumes(world.labels)] == [
        f"{world.name()}_data"
    ]


def test_what_has_not_changed_stays(world: World, compose: Compose) -> None:
    given = model({"web": service(world), "db": service(world)})
    up(world, compose, given)
    before = containers(world)
    given["services"]["web"]["environment"] = {"NEW": "1"}
    up(world, compose, given)
    after = containers(world)
    assert after["db"].id == before["db"].id
    assert after["web"].id != before["web"].id


def test_a_one_shot_that_ends_well_is_awaited(world: World, compose: Compose) -> None:
    needs: dict[str, Any] = {"depends_on": {"job": {"condition": "service_completed_successfully"}}}
    job = service(world, "echo one; echo two; echo three")
    up(world, compose, model({"job": job, "web": service(world, **needs)}))
    found = containers(world)
    assert (found["job"].state, found["job"].exit_code) == ("exited", 0)
    assert found["web"].running


def test_a_one_shot_that_fails_stops_what_waits_for_it(world: World, compose: Compose) -> None:
    needs: dict[str, Any] = {"depends_on": {"job": {"condition": "service_completed_successfully"}}}
    job = service(world, "echo out; exit 3")
    with pytest.raises(StageFailed, match="exit 3"):
        up(world, compose, model({"job": job, "web": service(world, **needs)}))
    web = containers(world).get("web")
    assert web is None or not web.running


def test_orphans_go_only_when_asked_to(world: World, compose: Compose) -> None:
    up(world, compose, model({"web": service(world), "old": service(world)}))
    smaller = model({"web": service(world)})
    up(world, compose, smaller)
    assert set(containers(world)) == {"web", "old"}
    up(world, compose, smaller, remove_orphans=True)
    assert set(containers(world)) == {"web"}


def test_stop_and_down_can_be_repeated(world: World, compose: Compose) -> None:
    mount = {"type": "volume", "source": "data", "target": "/data"}
    given = model({"web": service(world, volumes=[mount])}, volumes={"data": {}})
    up(world, compose, given)
    for _ in range(2):
        compose.stop(given, project=world.name(), on_line=print, scope=world.scope(60))
    assert containers(world)["web"].state == "exited"
    up(world, compose, given)
    assert containers(world)["web"].running
    for _ in range(2):
        compose.down(
            None, project=world.name(), volumes=False, on_line=print, scope=world.scope(60)
        )
    assert containers(world) == {}
    volume = {PROJECT_LABEL: world.name()}
    assert len(world.engine.volumes(volume)) == 1
    compose.down(None, project=world.name(), volumes=True, on_line=print, scope=world.scope(60))
    assert world.engine.volumes(volume) == []


FILE = """\
services:
  web:
    build: {context: app}
    environment: {PASSWORD: "${PASSWORD}"}
    networks: {default: null}
  seed:
    image: busybox
    profiles: [tools]
    networks: {default: null}
networks:
  default: {}
"""


def test_files_are_resolved(world: World, compose: Compose, tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(FILE)

    def resolve(*profiles: str) -> Any:
        return compose.resolve(
            [str(file)], directory=str(tmp_path), project=world.name(), profiles=profiles,
            environment={"PASSWORD": "{secret:PASSWORD}"}, scope=world.scope(),
        )  # fmt: skip

    made = resolve()
    assert made["name"] == world.name()
    assert set(made["services"]) == {"web"}
    assert made["services"]["web"]["environment"] == {"PASSWORD": "{secret:PASSWORD}"}
    assert made["services"]["web"]["build"] == {
        "context": str(tmp_path / "app"), "dockerfile": "Dockerfile",
    }  # fmt: skip
    assert set(resolve("tools")["services"]) == {"web", "seed"}


def test_a_broken_file_is_a_mistake_in_that_file(
    world: World, compose: Compose, tmp_path: Path
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services:\n  web: [\n")
    with pytest.raises(ConfigError) as caught:
        compose.resolve(
            [str(file)], directory=str(tmp_path), project=world.name(), scope=world.scope()
        )
    assert caught.value.problems[0].where.file == str(file)
