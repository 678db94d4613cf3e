"""Networks and volumes."""

from __future__ import annotations

import pytest

from pipeline.errors import EngineRefused, NotFound
from pipeline.ports.engine import Mount
from tests.contract.world import World


def test_a_network_is_made_once(world: World) -> None:
    made = world.engine.create_network(world.name(), world.labels)
    assert world.engine.create_network(world.name(), world.labels).id == made.id
    assert [net.name for net in world.engine.networks(world.labels)] == [world.name()]
    assert world.engine.networks({**world.labels, "other": "x"}) == []


def test_a_network_of_someone_else_is_not_taken(world: World) -> None:
    world.engine.create_network(world.name(), world.labels)
    with pytest.raises(EngineRefused):
        world.engine.create_network(world.name(), {"someone": "else"})


def test_a_container_has_an_address_in_its_network(world: World) -> None:
    world.engine.create_network(world.name("net"), world.labels)
    container = world.started(network=world.name("net"), aliases=("app",))
    info = world.engine.inspect(container)
    assert info is not None
    assert list(info.addresses) == [world.name("net")]
    with pytest.raises(EngineRefused):
        world.engine.remove_network(world.name("net"))
    world.engine.remove(container)
    world.engine.remove_network(world.name("net"))
    world.engine.remove_network(world.name("net"))
    assert world.engine.networks(world.labels) == []


def test_a_container_joins_one_more_network(world: World) -> None:
    world.engine.create_network(world.name("net"), world.labels)
    for _ in range(2):
        world.engine.create_network(world.name("more"), world.labels, internal=True)
    container = world.started(network=world.name("net"))
    for _ in range(2):
        world.engine.connect(world.name("more"), container)
    info = world.engine.inspect(container)
    assert info is not None
    assert set(info.addresses) == {world.name("net"), world.name("more")}
    assert all(info.addresses.values())
    with pytest.raises(EngineRefused):
        world.engine.remove_network(world.name("more"))
    with pytest.raises(NotFound):
        world.engine.connect(world.name("none"), container)
    world.engine.remove(container)
    for name in ("net", "more"):
        world.engine.remove_network(world.name(name))


def test_a_volume_keeps_the_labels_it_was_made_with(world: World) -> None:
    first = world.engine.create_volume(world.name(), world.labels)
    assert first.labels["contract"] == world.id
    second = world.engine.create_volume(world.name(), {"contract": "other", "more": "x"})
    assert second == first
    assert world.engine.volumes(world.labels) == [first]


def test_a_volume_in_use_is_not_removed(world: World) -> None:
    world.engine.create_volume(world.name("v"), world.labels)
    mount = Mount(kind="volume", source=world.name("v"), target="/data")
    container = world.engine.create(world.spec(mounts=(mount,)))
    with pytest.raises(EngineRefused):
        world.engine.remove_volume(world.name("v"))
    world.engine.remove(container, volumes=True)
    assert [volume.name for volume in world.engine.volumes(world.labels)] == [world.name("v")]
    world.engine.remove_volume(world.name("v"))
    world.engine.remove_volume(world.name("v"))
    assert world.engine.volumes(world.labels) == []
