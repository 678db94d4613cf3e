"""Where ports of containers are reached from here, for engines on this machine and others."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from pipeline.artifacts import Endpoint
from pipeline.ports.engine import ContainerInfo

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - an engine elsewhere is not reached on its own loopback
_UNSPECIFIED = frozenset({"", EVERYWHERE, "::"})


def is_here(address: str) -> bool:
    """Are the loopback address and the containers' own addresses of the engine at ``address``
    (``unix://…``, ``ssh://…``) reached from here? Those behind ssh are: requests go through it.

    That says nothing about whose machine it is: see ``machine``.
    """
    return engine_host(address) == LOOPBACK


def engine_host(address: str) -> str:
    """The host on which the engine's published ports answer to us."""
    return LOOPBACK if urlsplit(address).scheme == "ssh" else machine(address) or LOOPBACK


def machine(address: str) -> str:
    """The host that the engine is on, as its address names it; empty for this one."""
    host = urlsplit(address).hostname or ""
    try:
        return "" if host == "localhost" or ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return host


def private_ip(address: str) -> str:
    """Where a candidate's ports are bound: loopback, or everywhere on an engine elsewhere."""
    return LOOPBACK if is_here(address) else EVERYWHERE


def endpoints(
    container: ContainerInfo, address: str, exposed: Iterable[int] = ()
) -> Mapping[int, Endpoint]:
    """Container port → where it is reached.

    Ports of ``exposed`` that are not published are reached at the container's own address, when
    the engine is here (that works on Linux only).
    """
    host = engine_host(address)
    found: dict[int, Endpoint] = {}
    for port in container.ports:
        if port.protocol == "tcp" and port.host_port:
            at = host if port.host_ip in _UNSPECIFIED else port.host_ip
            found.setdefault(port.container, Endpoint(host=at, port=port.host_port))
    inside = next((ip for ip in container.addresses.values() if ip), None)
    if inside and is_here(address):
        for number in exposed:
            found.setdefault(number, Endpoint(host=inside, port=number))
    return found


def url(endpoint: Endpoint) -> str:
    """For people: a loopback address is called localhost."""
    host = "localhost" if endpoint.host == LOOPBACK else endpoint.host
    return f"http://{f'[{host}]' if ':' in host else host}:{endpoint.port}"
