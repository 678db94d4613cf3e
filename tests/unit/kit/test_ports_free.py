import pytest

from pipeline.adapters.fake_engine import FakeEngine
from pipeline.errors import PortTaken
from pipeline.kit.labels import labels
from pipeline.kit.ports_free import require_free, require_free_for
from pipeline.ports.engine import ContainerSpec, Port
from pipeline.scope import Scope


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine(port_taken=[5000])
    made.publish("busybox:1")
    image = made.pull("busybox:1", None, print, Scope()).id
    held = (
        Port(container=80, host_port=8080, host_ip="127.0.0.1"),
        Port(container=81, host_port=81),
    )
    made.start(made.create(ContainerSpec(image=image, name="old", ports=held)))
    return made


def check(engine: FakeEngine, *ports: Port, allowed: tuple[str, ...] = ()) -> None:
    require_free(ports, engine=engine, http=engine.http, allowed=allowed)


def test_free_ports_and_ports_of_the_engines_choice(engine: FakeEngine) -> None:
    check(engine, Port(container=80, host_port=9999), Port(container=80))
    check(engine, Port(container=80, host_port=8080, protocol="udp"))


@pytest.mark.parametrize("host_ip", ["", "0.0.0.0", "127.0.0.1"])
def test_a_containers_port_is_told_with_its_name(engine: FakeEngine, host_ip: str) -> None:
    with pytest.raises(PortTaken, match="port 8080 is in use by the container old"):
        check(engine, Port(container=80, host_port=8080, host_ip=host_ip))


def test_the_one_that_makes_room_does_not_count(engine: FakeEngine) -> None:
    check(engine, Port(container=80, host_port=81), allowed=("old",))


def test_another_program_is_noticed(engine: FakeEngine) -> None:
    with pytest.raises(PortTaken, match="port 5000 is in use by another program"):
        check(engine, Port(container=80, host_port=5000))


def test_ahead_of_time_the_projects_own_containers_do_not_count(engine: FakeEngine) -> None:
    image = engine.pull("busybox:1", None, print, Scope()).id
    own = ContainerSpec(image=image, name="hello-r1", labels=labels("hello", "live"),
                        ports=(Port(container=80, host_port=8000),))  # fmt: skip
    engine.start(engine.create(own))
    wanted = [Port(container=80, host_port=8000)]
    require_free_for("hello", wanted, engine=engine, http=engine.http)
    with pytest.raises(PortTaken, match="port 8000 is in use by the container hello-r1"):
        require_free_for("other", wanted, engine=engine, http=engine.http)
