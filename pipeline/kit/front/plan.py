"""What the front of a release is, as far as the release says. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.artifacts import Release
from pipeline.kit.container_spec import joins
from pipeline.kit.front.caddy import configuration
from pipeline.kit.hashing import fingerprint
from pipeline.ports.engine import ContainerSpec, Port

FOLDER = "/front/live"
"""In the front's container: holds one empty file, named after the container that is live."""
CONFIG = "/front/config.json"


@dataclass(frozen=True)
class FrontPlan:
    """One container that publishes a release's ports in its place.

    It listens on the ports of the app itself, so that in a network of the user's it stands for the
    app under the app's own name.
    """

    project: str
    ports: tuple[Port, ...]
    network: str
    owns_network: bool
    """The network is the front's, not the user's."""
    aliases: tuple[str, ...]
    restart: str

    @property
    def name(self) -> str:
        """Of the front's container."""
        return f"{self.project}-front"

    @property
    def listens(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(port.container for port in self.ports))

    @property
    def mark(self) -> str:
        """Two plans with the same mark are served by one front, without a change."""
        asked = [port.model_dump() for port in self.ports]
        caddy = configuration(self.listens, folder=FOLDER, token="")
        return fingerprint(asked, self.network, self.aliases, caddy)


def plan_of(release: Release) -> FrontPlan:
    """The front of a release that has one: where its container would have had the ports."""
    spec = ContainerSpec.model_validate(release.spec)
    joined = spec.network if joins(spec.network) else None
    return FrontPlan(
        project=release.project,
        ports=spec.ports,
        network=joined or f"{release.project}-front",
        owns_network=joined is None,
        aliases=spec.aliases,
        restart="no" if spec.restart == "no" else "always",
    )


def behind(spec: ContainerSpec, plan: FrontPlan) -> ContainerSpec:
    """The app's container as it serves behind that front."""
    return spec.model_copy(update={"ports": (), "aliases": (), "network": plan.network})
