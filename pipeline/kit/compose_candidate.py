"""How each part of a Compose project becomes a second one that is never in the first one's way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.errors import ConfigError, Location, Problem
from pipeline.kit.compose_model import Service, exposed, published, services
from pipeline.kit.notes import Note
from pipeline.kit.readiness import RESTARTS
from pipeline.kit.sharing import Sharing, shared_note
from pipeline.ports.compose import Model

_MTU = "com.docker.network.driver.mtu"
_LEFT_OUT = ("container_name", "labels", "mac_address", "external_links", "ports", "restart")
_FIXED = ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address")
_RETRIES = f"on-failure:{RESTARTS}"
"""A service that its own policy would restart may wait for another by failing; for some seconds
a candidate may do so too."""


class CandidateRules:
    """Collects what is told and what cannot be, while it transforms one model."""

    def __init__(self, sharing: Sharing, host_ip: str, model: Model, file: str) -> None:
        self._sharing = sharing
        self._host_ip = host_ip
        self._file = file
        self._model = model
        self._networks: Mapping[str, Any] = model.get("networks") or {}
        self._volumes: Mapping[str, Any] = model.get("volumes") or {}
        self._added: dict[str, dict[str, Any]] = {}
        self._notes: list[Note] = []
        self._problems: list[Problem] = []

    @property
    def notes(self) -> tuple[Note, ...]:
        return tuple(dict.fromkeys(self._notes))

    def refuse(self) -> None:
        """Raise ``ConfigError`` with everything that cannot be there twice."""
        if self._problems:
            raise ConfigError(self._problems)

    def service(self, name: str, service: Service, more_ports: Iterable[int]) -> dict[str, Any]:
        """The candidate's service, without image and labels."""
        self._check(name, service)
        made = {key: value for key, value in service.items() if key not in _LEFT_OUT}
        if ports := self._ports(service, more_ports):
            made["ports"] = ports
        if service.get("networks"):
            made["networks"] = self._attachments(name, service)
        if service.get("volumes"):
            made["volumes"] = [self._mount(name, mount) for mount in service["volumes"]]
        if service.get("volumes_from"):
            made["volumes_from"] = [self._from(name, str(e)) for e in service["volumes_from"]]
        if service.get("external_links"):
            self._tell(name, "external_links", "links to containers outside are left out")
        made["restart"] = self._restart(service)
        return made

    def _check(self, name: str, service: Service) -> None:
        mode = service.get("network_mode") or ""
        if mode == "host" or mode.startswith("container:"):
            self._problems.append(
                Problem(
                    f"with `network_mode: {mode}` a candidate of {name} cannot run beside the "
                    "live one",
                    Location(file=self._file, key=f"services.{name}.network_mode"),
                    hint="Name its ports in `ports:` instead, or leave `operate` out of the "
                    "pipeline to run in place.",
                )
            )

    def _tell(self, name: str, key: str, message: str, hint: str = "") -> None:
        self._notes.append(
            Note(
                message=f"{name}: {message} in the candidate",
                hint=hint,
                key=f"services.{name}.{key}",
            )
        )

    def _ports(self, service: Service, more: Iterable[int]) -> list[dict[str, Any]]:
        """All TCP ports, and UDP ones that are published, on ports of the engine's choice."""
        if service.get("network_mode"):  # none, or that of another service
            return []
        chosen = [(port.container, port.protocol) for port in published(service)]
        chosen += [(number, "tcp") for number in (*exposed(service), *more)]
        return [
            {"target": number, "protocol": protocol, "host_ip": self._host_ip, "mode": "ingress"}
            for number, protocol in dict.fromkeys(chosen)
        ]

    def _attachments(self, name: str, service: Service) -> dict[str, Any]:
        """No fixed addresses; a fixed container name stays known by that name inside."""
        made: dict[str, Any] = {}
        for network, settings in service["networks"].items():
            own = dict(settings or {})
            if fixed := [key for key in _FIXED if own.pop(key, None)]:
                self._tell(name, "networks", f"{', '.join(fixed)} on {network} is left out")
            if service.get("container_name") and not self._joined(network):
                own["aliases"] = [*(own.get("aliases") or ()), service["container_name"]]
            made[network] = own or None
        return made

    def _joined(self, network: str) -> bool:
        """Is the candidate in the same network as the live app?"""
        definition = self._networks.get(network) or {}
        name = definition.get("name", network)
        return bool(definition.get("external")) and self._sharing.is_shared(network, name)

    def _mount(self, name: str, mount: Mapping[str, Any]) -> dict[str, Any]:
        kind, source = mount.get("type"), str(mount.get("source") or "")
        target = str(mount.get("target") or "")
        if kind not in ("bind", "volume") or not source:
            return dict(mount)
        actual = self._shared_source(source) if kind == "volume" else source
        if actual is None:
            return dict(mount)
        if self._sharing.is_fresh(source, actual, target):
            key = source if kind == "volume" else f"fresh-{len(self._added)}"
            self._added[key] = {}
            kept = {k: v for k, v in mount.items() if k not in ("bind", "type", "source")}
            return {**kept, "type": "volume", "source": key}
        if mount.get("read_only") or self._sharing.is_shared(source, actual, target):
            return dict(mount)
        self._notes.append(shared_note(actual, target, key=f"services.{name}.volumes"))
        return {**mount, "read_only": True}

    def _shared_source(self, volume: str) -> str | None:
        """What stands behind a volume that cannot be made afresh; None for one that can."""
        definition = self._volumes.get(volume) or {}
        if definition.get("external"):
            return str(definition.get("name", volume))
        options = definition.get("driver_opts") or {}
        return str(options.get("device") or volume) if options else None

    def _from(self, name: str, entry: str) -> str:
        if not entry.startswith("container:") or entry.endswith(":ro"):
            return entry
        self._tell(name, "volumes_from", f"the volumes of {entry} are read-only")
        return entry.removesuffix(":rw") + ":ro"

    def _restart(self, service: Service) -> str:
        policy = str(service.get("restart") or "no")
        return "no" if policy == "no" or len(services(self._model)) == 1 else _RETRIES

    def networks(self, labels: Mapping[str, str]) -> dict[str, Any]:
        """The candidate's own networks; an external one is joined only when that is asked for."""
        made: dict[str, Any] = {}
        for name, definition in self._networks.items():
            given = definition or {}
            if self._joined(name):
                made[name] = dict(given)
                continue
            if given.get("external"):
                self._notes.append(_private(name, str(given.get("name", name))))
            options = given.get("driver_opts") or {}
            made[name] = {
                "labels": dict(labels),
                **({"internal": True} if given.get("internal") else {}),
                **({"driver_opts": {_MTU: options[_MTU]}} if _MTU in options else {}),
            }
        return made

    def volumes(self, labels: Mapping[str, str]) -> dict[str, Any]:
        """Fresh volumes, but for those that cannot be made afresh."""
        made: dict[str, Any] = {}
        for name, definition in {**self._volumes, **self._added}.items():
            given = {} if name in self._added else definition or {}
            if given.get("external"):
                made[name] = dict(given)
            else:
                kept = {key: given[key] for key in ("driver", "driver_opts") if given.get(key)}
                made[name] = {**kept, "labels": dict(labels)}
        return made


def _private(key: str, name: str) -> Note:
    return Note(
        message=f"the candidate gets a private network in the place of {name}, so that nothing "
        "there can reach it before it is tested",
        hint=f"If it needs something there, `candidate: {{share: [{key}]}}` lets it join.",
        key=f"networks.{key}",
    )
