"""Networks and volumes of the fake engine."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.adapters.fake.state import State, matches
from pipeline.errors import EngineRefused, NotFound
from pipeline.ports.engine import NetworkInfo, VolumeInfo


class FakeObjects:
    """The part of the port about networks and volumes."""

    state: State

    def create_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool = False
    ) -> NetworkInfo:
        with self.state.lock:
            self.state.enter("create_network", name)
            there = self.state.networks.get(name)
            if there is None:
                made = NetworkInfo(id=f"{self.state.number():064x}", name=name, labels=dict(labels))
                self.state.networks[name] = made
                return made
            if not matches(there.labels, labels):
                raise EngineRefused(f"network with name {name} already exists")
            return there

    def remove_network(self, name: str) -> None:
        with self.state.lock:
            self.state.enter("remove_network", name)
            found = self.state.containers.values()
            if any(c.running and name in {c.spec.network, *c.joined} for c in found):
                raise EngineRefused(f"network {name} has active endpoints")
            self.state.networks.pop(name, None)

    def connect(self, network: str, container: str) -> None:
        with self.state.lock:
            self.state.enter("connect", network, container)
            if network not in self.state.networks:
                raise NotFound(f"network {network} not found")
            found = next(
                (c for c in self.state.containers.values() if container in (c.id, c.name)), None
            )
            if found is None:
                raise NotFound(f"No such container: {container}")
            found.joined |= {network}

    def networks(self, labels: Mapping[str, str]) -> list[NetworkInfo]:
        with self.state.lock:
            self.state.enter("networks")
            return [n for n in self.state.networks.values() if matches(n.labels, labels)]

    def create_volume(self, name: str, labels: Mapping[str, str]) -> VolumeInfo:
        with self.state.lock:
            self.state.enter("create_volume", name)
            made = VolumeInfo(name=name, labels=dict(labels), created=self.state.stamp())
            return self.state.volumes.setdefault(name, made)

    def remove_volume(self, name: str) -> None:
        with self.state.lock:
            self.state.enter("remove_volume", name)
            found = self.state.containers.values()
            if any(mount.source == name for c in found for mount in c.spec.mounts):
                raise EngineRefused(f"remove {name}: volume is in use")
            self.state.volumes.pop(name, None)

    def volumes(self, labels: Mapping[str, str]) -> list[VolumeInfo]:
        with self.state.lock:
            self.state.enter("volumes")
            return [v for v in self.state.volumes.values() if matches(v.labels, labels)]
