"""The network that a lab lives in: the machine's own, or a network namespace for itself.

In its own namespace a lab never meets the bridges, firewall chains and ports of another engine;
it reaches the world through a veth pair and address translation.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import LabError
from lab.shell import run, succeeds

TIMEOUT = 30.0
POOL = ipaddress.IPv4Network("10.213.0.0/16")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
BRIDGE = Path("/sys/class/net/docker0")
CURRENT = Path("/proc/self/ns/net")


@dataclass(frozen=True)
class Network:
    """The machine's own network."""

    kind = "host"

    def enter(self, argv: Sequence[str]) -> list[str]:
        """``argv`` so that it runs inside this network."""
        return list(argv)

    def require_outside(self) -> None:
        """Raises LabError if this process lives in a network that ``down`` would remove."""

    def up(self) -> None:
        """Make the network usable. Raises LabError if it cannot be."""

    def down(self) -> None:
        """Remove what ``up`` and the engine made."""


@dataclass(frozen=True)
class HostNetwork(Network):
    """The machine's own network, held by one engine at a time: ``holder`` names its lab."""

    lab: str
    holder: Path

    def up(self) -> None:
        """Raises LabError if an engine that is not this lab's lives here."""
        known = self.holder.read_text() if self.holder.is_file() else ""
        if known != self.lab and (known or BRIDGE.exists()):
            owner = f"lab {known!r}" if known else "another Docker engine (there is a docker0)"
            raise LabError(f"{owner} uses this machine's network; use: python3 -m lab up --net own")
        self.holder.write_text(self.lab)

    def down(self) -> None:
        """Remove the engine's bridge."""
        if self.holder.is_file() and self.holder.read_text() == self.lab:
            if BRIDGE.exists():
                run(["ip", "link", "delete", "docker0"], timeout=TIMEOUT)
            self.holder.unlink()


@dataclass(frozen=True)
class OwnNetwork(Network):
    """A network namespace behind address translation."""

    lab: str
    environ: Mapping[str, str] = field(repr=False)
    kind = "own"

    @property
    def namespace(self) -> str:
        return f"dockcycle-{self.lab}"

    @property
    def file(self) -> Path:
        return Path("/run/netns") / self.namespace

    def enter(self, argv: Sequence[str]) -> list[str]:
        return ["nsenter", f"--net={self.file}", *argv]

    def up(self) -> None:
        """Make the namespace, unless it is there and complete. Raises LabError."""
        if not self.complete():
            self.require_outside()
            self.down()
            subnet = free_subnet(self.taken())
            for argv in up_commands(self.namespace, veth_name(subnet), subnet):
                self.change(argv)
            FORWARDING.write_text("1")
            for rule in rules(veth_name(subnet), subnet):
                self.change(rule_argv("-I", rule))

    def complete(self) -> bool:
        """Whether the namespace exists and has a way out."""
        argv = ["ip", "-n", self.namespace, "-json", "route", "show", "default"]
        with suppress(LabError):
            return bool(json.loads(run(argv, timeout=TIMEOUT, env=self.environ) or "[]"))
        return False

    def taken(self) -> list[str]:
        """Subnets that this machine already routes."""
        argv = ["ip", "-json", "-4", "route", "show", "table", "all"]
        return [row["dst"] for row in json.loads(run(argv, timeout=TIMEOUT, env=self.environ))]

    def subnet(self) -> ipaddress.IPv4Network | None:
        """The subnet of an existing namespace."""
        argv = ["ip", "-n", self.namespace, "-json", "-4", "address", "show", "eth0"]
        with suppress(LabError):
            for link in json.loads(run(argv, timeout=TIMEOUT, env=self.environ)):
                for address in link.get("addr_info", []):
                    text = f"{address['local']}/{address['prefixlen']}"
                    return ipaddress.IPv4Interface(text).network
        return None

    def require_outside(self) -> None:
        if self.file.exists() and self.file.samefile(CURRENT):
            raise LabError(f"this is inside the network of lab {self.lab!r}; do it from outside")

    def down(self) -> None:
        """Remove the namespace, its veth pair and its firewall rules."""
        subnet = self.subnet()
        if subnet:
            for rule in rules(veth_name(subnet), subnet):
                if succeeds(rule_argv("-C", rule), timeout=TIMEOUT, env=self.environ):
                    self.change(rule_argv("-D", rule))
            self.change(["ip", "-n", self.namespace, "link", "delete", "eth0"])
        if self.file.exists():
            self.change(["ip", "netns", "delete", self.namespace])

    def change(self, argv: Sequence[str]) -> None:
        """Run one of the commands that change a network."""
        run(argv, timeout=TIMEOUT, env=self.environ)


def free_subnet(taken: Iterable[str]) -> ipaddress.IPv4Network:
    """A subnet for two addresses that overlaps none of ``taken``. Raises LabError."""
    networks = [ipaddress.IPv4Network(text) for text in taken if text != "default"]
    for candidate in POOL.subnets(new_prefix=24):
        if not any(candidate.overlaps(network) for network in networks):
            return next(candidate.subnets(new_prefix=30))
    raise LabError(f"no subnet of {POOL} is free for the lab's network")


def veth_name(subnet: ipaddress.IPv4Network) -> str:
    """The name of the outer end of the veth pair of ``subnet``."""
    return f"lab{subnet.network_address.packed.hex()}"


def up_commands(namespace: str, veth: str, subnet: ipaddress.IPv4Network) -> list[list[str]]:
    """The commands that make a namespace with a way out and a loopback."""
    outer, inner = subnet.hosts()
    size = subnet.prefixlen
    inside = ["ip", "-n", namespace]
    return [
        ["ip", "netns", "add", namespace],
        ["ip", "link", "add", veth, "type", "veth", "peer", "name", "eth0", "netns", namespace],
        ["ip", "address", "add", f"{outer}/{size}", "dev", veth],
        ["ip", "link", "set", veth, "up"],
        [*inside, "link", "set", "lo", "up"],
        [*inside, "address", "add", f"{inner}/{size}", "dev", "eth0"],
        [*inside, "link", "set", "eth0", "up"],
        [*inside, "route", "add", "default", "via", str(outer)],
    ]


def rules(veth: str, subnet: ipaddress.IPv4Network) -> list[tuple[str, list[str]]]:
    """Firewall rules that let the namespace out: (table and chain, match and target)."""
    return [
        ("nat POSTROUTING", ["-s", str(subnet), "!", "-o", veth, "-j", "MASQUERADE"]),
        ("filter FORWARD", ["-i", veth, "-j", "ACCEPT"]),
        ("filter FORWARD", ["-o", veth, "-j", "ACCEPT"]),
    ]


def rule_argv(action: str, rule: tuple[str, list[str]]) -> list[str]:
    """The command that inserts (-I), checks (-C) or deletes (-D) a rule."""
    table, chain = rule[0].split()
    return ["iptables", "--wait", "--table", table, action, chain, *rule[1]]
