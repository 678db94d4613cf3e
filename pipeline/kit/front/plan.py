"""What the front of a release is, as far as the release says. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pipeline.artifacts import Handover, Release
from pipeline.kit.container_spec import joins
from pipeline.kit.front.caddy import configuration
from pipeline.kit.gate import Acme, entry
from pipeline.kit.hashing import fingerprint
from pipeline.ports.compose import Model
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
    domains: tuple[str, ...] = ()
    """Led here by the engine's gate."""
    domain_port: int = 0
    """Which of its ports they lead to."""
    tls: bool = True
    """Has the gate certificates for them? Else something before it has."""
    acme: Acme = field(default_factory=Acme)

    @property
    def name(self) -> str:
        """Of the front's container."""
        return f"{self.project}-front"

    @property
    def entries(self) -> tuple[str, ...]:
        """What the gate has to know."""
        to = f"{self.name}:{self.domain_port}"
        return tuple(entry(domain, to, secure=self.tls) for domain in self.domains)

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
    routed = release.handover or Handover()
    plan = _of_service(release, routed) if release.kind == "compose" else _of_container(release)
    return replace(
        plan,
        domains=routed.domains,
        domain_port=routed.domain_port,
        tls=routed.tls,
        acme=Acme.model_validate(routed.acme),
    )


def _of_container(release: Release) -> FrontPlan:
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


def _of_service(release: Release, routed: Handover) -> FrontPlan:
    """In a network of the project, where Compose has put the service."""
    network = network_of(release.spec, routed.service) or "default"
    declared = (release.spec.get("networks") or {}).get(network) or {}
    return FrontPlan(
        project=release.project,
        ports=tuple(Port.model_validate(port) for port in routed.ports),
        network=str(declared.get("name") or f"{release.project}_{network}"),
        owns_network=False,
        aliases=(),
        restart="always",
    )


def network_of(model: Model, service: str) -> str | None:
    """The key of the network by which a front reaches the service: one that leads outside."""
    joined = (model.get("services") or {}).get(service, {}).get("networks") or {"default": None}
    declared = model.get("networks") or {}
    return next((name for name in joined if not (declared.get(name) or {}).get("internal")), None)


def behind(spec: ContainerSpec, plan: FrontPlan) -> ContainerSpec:
    """The app's container as it serves behind that front."""
    return spec.model_copy(update={"ports": (), "aliases": (), "network": plan.network})
