"""A network namespace that collides with nothing."""

import ipaddress
from pathlib import Path

import pytest

from lab import network
from lab.errors import LabError
from lab.network import HostNetwork, OwnNetwork


def test_a_subnet_that_the_machine_routes_is_not_taken() -> None:
    taken = ["default", "10.213.0.0/30", "10.213.1.0/24", "192.0.2.0/24", "127.0.0.1"]
    assert str(network.free_subnet(taken)) == "10.213.2.0/30"


def test_no_free_subnet_is_an_error() -> None:
    with pytest.raises(LabError, match="no subnet"):
        network.free_subnet(["10.0.0.0/8"])


def test_names_of_interfaces_fit_and_differ() -> None:
    names = {network.veth_name(subnet) for subnet in network.POOL.subnets(new_prefix=30)}
    assert len(names) == 2**14
    assert max(map(len, names)) <= 15  # the kernel's limit


def test_the_namespace_gets_a_loopback_and_a_way_out() -> None:
    commands = network.up_commands("ns", "veth", ipaddress.IPv4Network("10.213.2.0/30"))
    assert ["ip", "-n", "ns", "link", "set", "lo", "up"] in commands
    assert commands[-1] == ["ip", "-n", "ns", "route", "add", "default", "via", "10.213.2.1"]


def test_firewall_rules_are_inserted_and_deleted_by_the_same_words() -> None:
    rule = network.rules("veth", ipaddress.IPv4Network("10.213.2.0/30"))[0]
    insert, delete = network.rule_argv("-I", rule), network.rule_argv("-D", rule)
    assert insert[:5] == ["iptables", "--wait", "--table", "nat", "-I"]
    assert [word for word in insert if word != "-I"] == [word for word in delete if word != "-D"]


def test_commands_enter_the_labs_own_namespace() -> None:
    argv = OwnNetwork("blue", {}).enter(["dockerd", "--debug"])
    assert argv == ["nsenter", "--net=/run/netns/dockcycle-blue", "dockerd", "--debug"]


def test_the_machines_network_has_one_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = tmp_path / "docker0"
    monkeypatch.setattr(network, "BRIDGE", bridge)
    holder = tmp_path / "holder"
    HostNetwork("red", holder).up()
    bridge.touch()
    HostNetwork("red", holder).up()  # its own bridge does not keep it out
    with pytest.raises(LabError, match="lab 'red' uses this machine's network"):
        HostNetwork("blue", holder).up()
    holder.unlink()
    with pytest.raises(LabError, match="another Docker engine"):
        HostNetwork("blue", holder).up()
