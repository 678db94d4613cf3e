"""What the gate's container is made from. Pure."""

from __future__ import annotations

from pipeline.kit.gate.caddy import CONFIG
from pipeline.kit.labels import ROLE
from pipeline.ports.engine import ContainerSpec, ImageInfo, Mount, Port

NAME = "dockcycle-gate"
"""Of the container, its network, and the volume with certificates and the list of domains."""
PORTS = (Port(container=80, host_port=80), Port(container=443, host_port=443))
MARK = "dockcycle.gate"
"""Label of the container: the mark of its configuration."""
OURS = {ROLE: "gate"}
"""Label of all that is the gate's."""


def asks_permission(image: ImageInfo) -> bool:
    """Caddy's own images say their version; what does not is taken for an old one."""
    version = image.settings.environment.get("CADDY_VERSION", "v2.0").lstrip("v")
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    return (int(major), int(minor)) >= (2, 8) if major.isdigit() and minor.isdigit() else True


def spec(image: str, mark: str) -> ContainerSpec:
    """``image`` is an id, ``mark`` that of its configuration."""
    return ContainerSpec(
        image=image,
        name=NAME,
        command=("caddy", "run", "--config", CONFIG),
        environment={"GOMEMLIMIT": "200MiB", "XDG_DATA_HOME": "/data"},
        ports=PORTS,
        mounts=(Mount(kind="volume", source=NAME, target="/data"),),
        network=NAME,
        restart="always",
        cap_drop=("ALL",),
        cap_add=("NET_BIND_SERVICE",),
        security_opt=("no-new-privileges",),
        log_driver="json-file",
        log_options={"max-size": "10m", "max-file": "2"},
        labels={**OURS, MARK: mark},
    )
