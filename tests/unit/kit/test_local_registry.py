import threading
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.adapters.fake_engine import FakeClock, FakeEngine, Program
from pipeline.errors import EngineRefused, PortTaken, Unusable, UsageError
from pipeline.kit.labels import ROLE
from pipeline.kit.local_registry import (
    NAME,
    PORTS,
    READY_LIMIT,
    find_local_registry,
    local_registry,
    remove_local_registry,
)
from pipeline.ports.engine import ContainerSpec, Port
from pipeline.scope import Scope
from tests.support.stage_context import ListJournal


class World:
    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.engine.publish("registry:2")
        self.clock = FakeClock()
        self.journal = ListJournal()
        self.told: list[str] = []

    def ensure(self, port: int | None = None) -> str:
        ports: Any = SimpleNamespace(
            engine=self.engine, registry=self.engine.registry, http=self.engine.http,
            clock=self.clock,
        )  # fmt: skip
        return local_registry(ports, self.journal, port=port, scope=Scope(), tell=self.told.append)

    @property
    def container(self) -> Any:
        return find_local_registry(self.engine)


@pytest.fixture
def world() -> World:
    return World()


def test_it_is_started_on_loopback_with_a_volume_and_comes_back_by_itself(world: World) -> None:
    assert world.ensure() == "127.0.0.1:5000"
    found = world.container
    assert found.name == NAME and found.running and found.restart == "unless-stopped"
    assert found.ports == (Port(container=5000, host_port=5000, host_ip="127.0.0.1"),)
    assert [volume.name for volume in world.engine.volumes({ROLE: "registry"})] == [NAME]
    assert world.told == [
        "pulling registry:2 for the local registry",
        "starting a registry for this machine at 127.0.0.1:5000",
    ]
    assert world.journal.done == [("volume", NAME), ("container", NAME)]


def test_the_next_time_it_is_found(world: World) -> None:
    world.ensure()
    before = world.container.id
    world.told.clear()
    assert world.ensure() == "127.0.0.1:5000"
    assert world.container.id == before and world.told == []


def test_a_port_that_something_else_has_is_passed_over(world: World) -> None:
    world.engine.state.port_taken = {5000, 5001}
    assert world.ensure() == "127.0.0.1:5002"


def test_a_port_that_is_taken_at_the_last_moment_is_passed_over(world: World) -> None:
    world.engine.fail("start", PortTaken("5000"))
    assert world.ensure() == "127.0.0.1:5001"
    assert len(world.engine.containers({ROLE: "registry"})) == 1


def test_no_free_port_is_told(world: World) -> None:
    world.engine.state.port_taken = set(PORTS)
    with pytest.raises(PortTaken, match="5000 to 5099") as caught:
        world.ensure()
    assert "local: {port: 6000}" in caught.value.hint


def test_a_port_may_be_chosen(world: World) -> None:
    assert world.ensure(6000) == "127.0.0.1:6000"
    assert world.ensure() == "127.0.0.1:6000"
    with pytest.raises(UsageError, match="at port 6000 already") as caught:
        world.ensure(7000)
    assert "registry down" in caught.value.hint


def test_a_foreign_registry_is_used_only_where_the_file_says_so(world: World) -> None:
    world.engine.registries["127.0.0.1:5000"] = None
    world.engine.state.port_taken = {5000}
    assert world.ensure(5000) == "127.0.0.1:5000"
    assert world.container is None
    assert world.told == ["using the registry that already answers at 127.0.0.1:5000"]
    assert world.ensure() == "127.0.0.1:5001"


def test_a_chosen_port_with_something_else_on_it_is_refused(world: World) -> None:
    world.engine.state.port_taken = {6000}
    with pytest.raises(PortTaken, match="by something that is no registry"):
        world.ensure(6000)


def test_a_stopped_one_is_started_where_it_was(world: World) -> None:
    world.ensure(6000)
    world.engine.stop(NAME)
    assert world.ensure() == "127.0.0.1:6000"
    assert world.container.running
    assert world.told[-1] == "starting the local registry at 127.0.0.1:6000 again"


def test_one_that_died_before_its_first_start_is_started(world: World) -> None:
    world.engine.fail("start", EngineRefused("killed in between"))
    with pytest.raises(EngineRefused):
        world.ensure()
    assert world.container.state == "created"
    assert world.ensure() == "127.0.0.1:5000"


def test_a_stopped_one_whose_port_is_gone_says_how_to_move_it(world: World) -> None:
    world.ensure()
    world.engine.stop(NAME)
    world.engine.fail("start", PortTaken("5000"))
    with pytest.raises(PortTaken) as caught:
        world.ensure()
    assert "moves to a free port" in caught.value.hint


def test_a_strangers_container_of_that_name_is_left_alone(world: World) -> None:
    image = world.engine.publish("x:1")
    world.engine.pull("x:1", None, lambda line: None, Scope())
    world.engine.create(ContainerSpec(image=image, name=NAME))
    with pytest.raises(EngineRefused, match="did not make"):
        world.ensure()
    assert world.engine.inspect(NAME) is not None


def test_one_that_ends_at_once_is_told_with_its_log(world: World) -> None:
    world.engine.behave(Program(log=("no space left on device",), exits=1))
    world.engine.publish("registry:2")
    world.engine.registry.ping = lambda host, scope: False  # type: ignore[method-assign]
    with pytest.raises(Unusable) as caught:
        world.ensure()
    assert "no space left" in caught.value.detail


def test_one_that_never_answers_is_given_up(world: World) -> None:
    world.engine.registry.ping = lambda host, scope: False  # type: ignore[method-assign]
    with pytest.raises(Unusable, match="does not answer"):
        world.ensure()
    assert READY_LIMIT <= world.clock.seconds < READY_LIMIT + 1


def test_an_engine_elsewhere_has_no_registry_on_this_machine(world: World) -> None:
    info = world.engine.info().model_copy(update={"address": "ssh://server"})
    world.engine.info = lambda: info  # type: ignore[method-assign]
    with pytest.raises(Unusable, match="ssh://server"):
        world.ensure()


def test_two_at_once_end_with_one(world: World) -> None:
    hosts: list[str] = []
    threads = [threading.Thread(target=lambda: hosts.append(world.ensure())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(hosts) == 4 and len(set(hosts)) == 1
    assert len(world.engine.containers({ROLE: "registry"})) == 1


def test_one_that_another_run_is_making_comes_into_sight(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine has given its name away already, and does not list it yet."""
    looks: list[str] = []
    create, inspect = world.engine.create, world.engine.inspect

    def taken(spec: ContainerSpec) -> str:
        create(spec)
        raise EngineRefused("the name is in use")

    def late(name: str) -> Any:
        looks.append(name)
        return inspect(name) if len(looks) > 3 else None

    monkeypatch.setattr(world.engine, "create", taken)
    monkeypatch.setattr(world.engine, "inspect", late)
    assert world.ensure() == "127.0.0.1:5000"
    assert world.container.running


def test_it_is_removed_with_or_without_what_was_pushed(world: World) -> None:
    world.ensure()
    assert remove_local_registry(world.engine, data=False) == [f"container {NAME}"]
    assert world.engine.volumes({ROLE: "registry"}) != []
    world.ensure()
    assert remove_local_registry(world.engine, data=True) == [
        f"container {NAME}", f"volume {NAME}",
    ]  # fmt: skip
    assert remove_local_registry(world.engine, data=True) == []
