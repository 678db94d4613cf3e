import pytest

from pipeline.artifacts import Endpoint
from pipeline.kit import reach
from pipeline.ports.engine import ContainerInfo, Port


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("unix:///var/run/docker.sock", "127.0.0.1"),
        ("npipe:////./pipe/docker_engine", "127.0.0.1"),
        ("tcp://127.0.0.1:2375", "127.0.0.1"),
        ("tcp://localhost:2375", "127.0.0.1"),
        ("tcp://docker:2376", "docker"),
        ("ssh://deploy@server.example", "127.0.0.1"),
        ("tcp://[::1]:2375", "127.0.0.1"),
    ],
)
def test_published_ports_answer_at_the_engines_host(address: str, host: str) -> None:
    assert reach.engine_host(address) == host
    assert reach.private_ip(address) == ("127.0.0.1" if host == "127.0.0.1" else "0.0.0.0")


INFO = ContainerInfo(
    id="c", name="c", image="i", state="running", addresses={"n": "172.17.0.9"},
    ports=(
        Port(container=80, host_port=8080, host_ip="0.0.0.0"),
        Port(container=80, host_port=8080, host_ip="::"),
        Port(container=81, host_port=8081, host_ip="10.1.1.1"),
        Port(container=53, host_port=53, protocol="udp"),
    ),
)  # fmt: skip


def test_endpoints_of_an_engine_here() -> None:
    found = reach.endpoints(INFO, "unix:///x", exposed=(80, 9000))
    assert found == {
        80: Endpoint(host="127.0.0.1", port=8080),
        81: Endpoint(host="10.1.1.1", port=8081),
        9000: Endpoint(host="172.17.0.9", port=9000),
    }


def test_endpoints_of_an_engine_elsewhere() -> None:
    found = reach.endpoints(INFO, "tcp://server:2376", exposed=(9000,))
    assert found[80] == Endpoint(host="server", port=8080)
    assert 9000 not in found


def test_behind_ssh_everything_is_reached_as_from_there() -> None:
    found = reach.endpoints(INFO, "ssh://server", exposed=(9000,))
    assert found[80] == Endpoint(host="127.0.0.1", port=8080)
    assert found[9000] == Endpoint(host="172.17.0.9", port=9000)


@pytest.mark.parametrize(
    ("address", "machine"),
    [("ssh://me@server:22", "server"), ("tcp://10.0.0.1:2376", "10.0.0.1"), ("unix:///x", ""),
     ("ssh://localhost", ""), ("tcp://127.0.0.1:2375", "")],
)  # fmt: skip
def test_the_machine_of_an_engine(address: str, machine: str) -> None:
    assert reach.machine(address) == machine


def test_links_are_for_people() -> None:
    assert reach.url(Endpoint(host="127.0.0.1", port=80)) == "http://localhost:80"
    assert reach.url(Endpoint(host="fe80::1", port=80)) == "http://[fe80::1]:80"
