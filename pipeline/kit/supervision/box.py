"""The container that a supervisor of its own engine may run in. Pure, but for ``box``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.kit.labels import PROJECT, ROLE
from pipeline.ports import Engine
from pipeline.ports.engine import ContainerInfo, ContainerSpec, ImageInfo, Mount

NAME = "dockcycle-supervise"
"""Of the container, and of the volume with its state."""
OURS = {ROLE: "supervisor"}
"""Label of both. They belong to no project, so that nothing done to one does them harm."""
SELF = "DOCKCYCLE_SUPERVISOR"
"""Variable in the container: what runs in there is the engine's supervisor itself."""
SOCKET = "/var/run/docker.sock"
"""Where the engine is found in there, and, if nothing else is known, on the engine's machine."""
STATE = "/var/lib/dockcycle"
_LOG = {"max-size": "10m", "max-file": "2"}
_VIRTUAL = "/.docker/desktop/"
"""In the path of a socket that leads into a virtual machine."""


@dataclass(frozen=True)
class Box:
    """The container as it is to be."""

    arguments: Sequence[str] = ()
    """Options of ``dockcycle supervise``."""
    socket: str = SOCKET
    """The engine's, on its own machine."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Values of secrets."""

    def spec(self, image: ImageInfo, name: str = NAME) -> ContainerSpec:
        # An image that dockcycle built for a project would make the container one of the project's.
        foreign = {PROJECT: ""} if PROJECT in image.labels else {}
        return ContainerSpec(
            image=image.id,
            name=name,
            command=("supervise", *self.arguments),
            environment={**self.variables, **self._environment},
            mounts=(
                Mount(kind="bind", source=self.socket, target=SOCKET),
                Mount(kind="volume", source=NAME, target=STATE),
            ),
            # Containers, and the ports that are published on loopback, are reached from there only.
            network="host",
            restart="unless-stopped",
            security_opt=("label=disable",),  # SELinux would keep it from the socket
            log_driver="json-file",
            log_options=_LOG,
            labels={**OURS, **foreign},
        )

    def command(self, image: str, variables: Path | None) -> str:
        """The ``docker run`` that starts the same; ``variables``: a file of them."""
        words = ["docker", "run", "--detach", "--init"]
        options = [
            ("name", NAME), ("restart", "unless-stopped"), ("network", "host"),
            ("security-opt", "label=disable"), ("label", _pair(OURS)),
            ("mount", f"type=bind,source={self.socket},target={SOCKET}"),
            ("mount", f"type=volume,source={NAME},target={STATE},volume-label={_pair(OURS)}"),
            ("log-driver", "json-file"), *(("log-opt", f"{k}={v}") for k, v in _LOG.items()),
            *([("env-file", str(variables))] if variables else []),
            *(("env", f"{name}={value}") for name, value in self._environment.items()),
        ]  # fmt: skip
        lines = [" ".join(words)]
        lines += [f"  --{name} {shlex.quote(value)}" for name, value in options]
        lines.append("  " + shlex.join([image, "supervise", *self.arguments]))
        return " \\\n".join(lines)

    @property
    def _environment(self) -> dict[str, str]:
        # All three as they are in the image, whatever the user's variables or an image of his say.
        return {SELF: NAME, "DOCKER_HOST": f"unix://{SOCKET}", "DOCKCYCLE_HOME": STATE}


def box(engine: Engine) -> ContainerInfo | None:
    """The one that keeps the engine's releases, or is about to."""
    there = engine.containers(OURS)
    return next((info for info in there if info.state in ("running", "restarting")), None)


def socket_of(address: str, platform: str = sys.platform) -> str:
    """The socket of the engine at ``address``, as its own machine knows it. With Docker Desktop,
    and everywhere but on Linux, the one that is seen here leads into a virtual machine."""
    path = address.removeprefix("unix://")
    seen = path != address and platform == "linux" and _VIRTUAL not in path
    return path if seen else SOCKET


def _pair(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())
