"""A Compose model (what ``docker compose config`` prints) read as data.

See ``compose_text`` for how values are written in it, ``compose_variants`` for what is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.artifacts import Frozen
from pipeline.kit.compose_build import BuildSpec, FileOrVariable, build_spec
from pipeline.kit.compose_text import plain
from pipeline.ports.compose import Model
from pipeline.ports.engine import Port

__all__ = [
    "BuildSpec", "FileOrVariable", "PullSpec", "Service", "builds", "exposed", "main_service",
    "one_shots", "published", "pulls", "select", "services",
]  # fmt: skip

Service = Mapping[str, Any]

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
"""Labels that Compose itself puts on containers."""


def services(model: Model) -> Mapping[str, Service]:
    """Service name → its part of the model."""
    return model.get("services") or {}


def select(model: Model, names: Sequence[str]) -> Model:
    """The model with only these services and what they depend on; all of it for no names."""
    if not names:
        return model
    known = services(model)
    wanted: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name in known and name not in wanted:
            wanted.add(name)
            queue.extend(known[name].get("depends_on") or {})
    return {**model, "services": {name: known[name] for name in known if name in wanted}}


def builds(model: Model) -> Mapping[str, BuildSpec]:
    """Every service that is built, by name, in the model's order."""
    secrets = model.get("secrets") or {}
    return {
        name: build_spec(name, service, secrets)
        for name, service in services(model).items()
        if service.get("build")
    }


class PullSpec(Frozen):
    """The ``image:`` of a service that is not built."""

    ref: str
    policy: str = ""
    """``pull_policy`` as written: ``always``, ``missing``, ``never``, …; empty for the default."""
    platform: str | None = None
    digest: str | None = None
    """Of the lock: then it is this very image, whatever the tag stands for."""

    @property
    def name(self) -> str:
        """What is asked for."""
        return f"{self.ref}@{self.digest}" if self.digest else self.ref

    @property
    def always(self) -> bool:
        """Is the registry asked although the engine has the image?"""
        return self.policy == "always" and not self.digest

    @property
    def never(self) -> bool:
        return self.policy == "never"


def pulls(model: Model) -> Mapping[str, PullSpec]:
    """Every service whose image comes from a registry."""
    return {
        name: PullSpec(
            ref=plain(service["image"]),
            policy=service.get("pull_policy") or "",
            platform=service.get("platform"),
        )
        for name, service in services(model).items()
        if service.get("image") and not service.get("build")
    }


def one_shots(model: Model) -> frozenset[str]:
    """Services for which ending with 0 is no failure: another waits for that, or they neither
    publish a port nor ask to be restarted."""
    awaited = {
        name
        for service in services(model).values()
        for name, condition in (service.get("depends_on") or {}).items()
        if condition.get("condition") == "service_completed_successfully"
    }
    return frozenset(
        name for name, service in services(model).items() if name in awaited or _may_end(service)
    )


def _may_end(service: Service) -> bool:
    restart = service.get("restart") or "no"
    return not service.get("ports") and (restart == "no" or restart.startswith("on-failure"))


def published(service: Service) -> tuple[Port, ...]:
    """The host ports that a service asks for; 0 where the engine may choose, as in a range."""
    return tuple(_port(entry) for entry in service.get("ports") or ())


def _port(entry: Mapping[str, Any]) -> Port:
    number = str(entry.get("published") or "")
    return Port(
        container=int(entry["target"]),
        host_port=int(number) if number.isdigit() else 0,
        host_ip=str(entry.get("host_ip") or ""),
        protocol="udp" if entry.get("protocol") == "udp" else "tcp",
    )


def exposed(service: Service) -> tuple[int, ...]:
    """TCP ports that the service itself names, published or not."""
    named = [port.container for port in published(service) if port.protocol == "tcp"]
    for entry in service.get("expose") or ():
        number, _, protocol = str(entry).partition("/")
        if number.isdigit() and protocol in ("", "tcp"):
            named.append(int(number))
    return tuple(dict.fromkeys(named))


_USUAL = ("web", "app", "frontend", "proxy", "nginx", "api")


def main_service(model: Model, among: Sequence[str] = ()) -> str:
    """The service that people mean, of all or ``among`` these: the one that publishes a port, by
    usual names if several do; of services without ports one that stays."""
    names = list(among or services(model))
    candidates = (
        [name for name in names if services(model)[name].get("ports")]
        or [name for name in names if name not in one_shots(model)]
        or names
    )
    return next((name for name in _USUAL if name in candidates), candidates[0])
