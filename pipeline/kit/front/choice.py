"""May a release take over beside the old one, behind the front? Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.kit.checks import BaseCheck, HttpCheck
from pipeline.ports.engine import ContainerSpec


def why_not(spec: ContainerSpec) -> str:
    """What makes it impossible; empty when it is possible."""
    if spec.network == "none" or spec.network == "host":
        return f"with `network: {spec.network}` there is no port to publish in the app's place"
    if (spec.network or "").startswith("container:"):
        return "a container in another one's network has no address of its own"
    if not spec.ports:
        return "the app publishes no port"
    if udp := [port.container for port in spec.ports if port.protocol != "tcp"]:
        return f"port {udp[0]} is UDP, and the front speaks HTTP"
    return ""


def why_rather_not(spec: ContainerSpec, checks: Sequence[BaseCheck], main: int | None) -> str:
    """What speaks against it unless the user asks for it; ``main`` is the port of checks that name
    none."""
    asked = {check.port or main for check in checks if isinstance(check, HttpCheck)}
    if silent := [port for port in spec.ports if port.container not in asked]:
        return f"no smoke check asks port {silent[0].container} over HTTP"
    shared = [m for m in spec.mounts if m.kind != "tmpfs" and m.source and not m.read_only]
    if shared:
        return f"two versions at once could write to {shared[0].target}"
    return ""
