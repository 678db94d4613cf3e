"""``route:`` of a Compose project: which service is behind the front, and at which ports. Pure."""

from __future__ import annotations

from pipeline.artifacts import Frozen
from pipeline.kit.compose_model import Service, published, services
from pipeline.kit.front.plan import network_of
from pipeline.kit.units import PortNumber
from pipeline.ports.compose import Model
from pipeline.ports.engine import Port


class Route(Frozen):
    """``{service: web, port: 8000}``."""

    service: str
    port: PortNumber
    """Container port that the front passes requests on to."""


def through_front(
    model: Model, route: Route, publish: tuple[Port, ...], otherwise: tuple[Port, ...] = ()
) -> tuple[Model, list[Port]]:
    """The model without the ports that the front has in the service's place, and these ports:
    ``publish``, or those that the service itself publishes for the port, or ``otherwise``.

    Raises:
        ValueError: there cannot be two containers of the service for a while; says why.
    """
    name = route.service
    if name not in services(model):
        raise ValueError(f"there is no service {name!r}")
    service = services(model)[name]
    if reason := _why_once(model, name, service):
        raise ValueError(reason)
    own = [p for p in published(service) if p.container == route.port and p.host_port]
    ports = list(publish) or own or list(otherwise)
    if not ports:
        raise ValueError(f"no host port leads to port {route.port} of {name}; say `publish: …`")
    if wrong := [port for port in ports if port.container != route.port]:
        raise ValueError(f"`publish` names port {wrong[0].container}, `route` port {route.port}")
    others = [p for p in published(service) if p.host_port and p.container != route.port]
    if others:
        raise ValueError(
            f"{name} publishes port {others[0].host_port}, too, which only one container can have"
        )
    left = [e for e in service.get("ports") or () if int(e["target"]) != route.port]
    changed = {**service, "ports": left}
    return {**model, "services": {**services(model), name: changed}}, ports


def _why_once(model: Model, name: str, service: Service) -> str:
    """Why a service can be there only once, or cannot be reached."""
    if service.get("container_name"):
        return f"{name} has a `container_name`, which only one container can have"
    if service.get("network_mode"):
        return f"{name} has `network_mode: {service['network_mode']}`: no front reaches it there"
    if int(service.get("scale") or (service.get("deploy") or {}).get("replicas") or 1) != 1:
        return f"{name} has several containers; the front leads to one"
    joined = (service.get("networks") or {}).values()
    if any((one or {}).get("ipv4_address") or (one or {}).get("ipv6_address") for one in joined):
        return f"{name} has a fixed address, which only one container can have"
    if network_of(model, name) is None:
        return f"{name} is in internal networks only: no port can be published from there"
    return ""
